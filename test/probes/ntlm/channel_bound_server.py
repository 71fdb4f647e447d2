"""An HTTPS server that lets in by NTLM, bound to its certificate: the acceptor is gss-ntlmssp, none of it is ours.

The binding (RFC 5929, tls-server-end-point) is made by python3-cryptography and GSSAPI, and checked by gss-ntlmssp:
a login bound to another certificate is refused. A login without any binding is let in, as Windows does where Extended
Protection is `Allow`: gss-ntlmssp 1.2 knows no `Require`.
"""

import base64
import http.server
import os
import ssl
import sys

port, certificate_file, key_file, users_file = int(sys.argv[1]), *sys.argv[2:]
os.environ["NTLM_USER_FILE"] = users_file  # gss-ntlmssp reads it, so before gssapi is loaded

import gssapi  # noqa: E402
from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives import hashes  # noqa: E402
from gssapi.raw import ChannelBindings, GSSError  # noqa: E402


def bindings() -> ChannelBindings:
    with open(certificate_file, "rb") as file:
        certificate = x509.load_pem_x509_certificate(file.read())
    algorithm = certificate.signature_hash_algorithm
    if algorithm.name in ("md5", "sha1"):
        algorithm = hashes.SHA256()
    return ChannelBindings(application_data=b"tls-server-end-point:" + certificate.fingerprint(algorithm))


BINDINGS = bindings()


class Handler(http.server.BaseHTTPRequestHandler):
    """One object a connection: the login belongs to it, as NTLM wants."""

    protocol_version = "HTTP/1.1"
    context = None
    user = None

    def do_GET(self):
        challenge = "NTLM" if self.user else self.step()
        if self.user:
            self.answer(200, b"<OAB><OAL id='1'/></OAB>\n", ("Content-Type", "application/xml"))
        else:
            self.answer(401, b"", ("WWW-Authenticate", challenge))

    def step(self) -> str:
        """Takes the token of the request, and returns what to ask for next."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme != "NTLM":
            return "NTLM"
        if self.context is None:
            self.context = gssapi.SecurityContext(usage="accept", channel_bindings=BINDINGS)
        try:
            answer = self.context.step(base64.b64decode(token))
        except GSSError as error:
            print("refused:", error, file=sys.stderr, flush=True)
            self.context = None
            return "NTLM"
        if self.context.complete:
            self.user = str(self.context.initiator_name)
        return "NTLM" if answer is None else "NTLM " + base64.b64encode(answer).decode()

    def answer(self, status, body, header):
        self.send_response(status)
        self.send_header(*header)
        self.send_header("X-FEServer", "FOREIGN")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
server.daemon_threads = True
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(certificate_file, key_file)
# The handshake is made by the connection's own thread, so that nobody holds up the others.
server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
