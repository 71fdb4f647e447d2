import { labCertificateFiles } from "../lab-certificate-files.ts";
import { put, startServer, type RealServer } from "../real-servers.ts";

/** nginx in clear and over TLS, with a health page as Exchange's, pages of several sizes and statuses. Debian: nginx. */
export function startNginx(): Promise<RealServer> {
  return startServer({
    program: "nginx",
    ports: ["http", "https", "https12", "expired", "wrong_name"],
    prepare({ directory, ports }) {
      const tls = labCertificateFiles("mail");
      const small = labCertificateFiles("other");
      const badly = (name: "expired" | "wrong_name"): string => `
  server {
    listen 127.0.0.1:${ports[name] ?? 0} ssl;
    ssl_certificate ${labCertificateFiles(name).certificate};
    ssl_certificate_key ${labCertificateFiles(name).key};
    location / { default_type text/html; return 200 "200 OK<br/>EX01.example.com"; }
  }`;
      put(directory, "html/index.html", "<html>front page</html>");
      put(directory, "html/late.txt", `${"x".repeat(30 * 1024)}needle`);
      put(directory, "html/early.txt", `needle${"x".repeat(30 * 1024)}`);
      const file = put(
        directory,
        "nginx.conf",
        `
daemon off;
master_process off;
pid ${directory}/nginx.pid;
error_log stderr;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  types { text/html html; text/plain txt; }
  server {
    listen 127.0.0.1:${ports["http"] ?? 0};
    listen 127.0.0.1:${ports["https"] ?? 0} ssl;
    ssl_certificate ${tls.certificate};
    ssl_certificate_key ${tls.key};
    ssl_protocols TLSv1.2 TLSv1.3;
    root ${directory}/html;
    location = /owa/healthcheck.htm { default_type text/html; return 200 "200 OK<br/>EX01.example.com"; }
    location = /host { default_type text/plain; return 200 "host=$http_host agent=$http_user_agent"; }
    location = /moved { return 301 /elsewhere; }
    location = /broken { default_type text/plain; return 500 "200 in the body of an error"; }
    location = /front { add_header X-FEServer EX02 always; return 401; }
    location = /dropped { return 444; }
    location = /owa/ { return 302 /owa/auth/logon.aspx?url=x; }
    location = /EWS/ {
      add_header X-FEServer EX02 always;
      add_header WWW-Authenticate Negotiate always;
      add_header WWW-Authenticate NTLM always;
      return 401;
    }
    location = /ecp/healthcheck.htm { return 503; }
  }
  server {
    listen 127.0.0.1:${ports["https12"] ?? 0} ssl;
    ssl_certificate ${small.certificate};
    ssl_certificate_key ${small.key};
    ssl_protocols TLSv1.2;
    root ${directory}/html;
  }${badly("expired")}${badly("wrong_name")}
}
`,
      );
      return ["-c", file, "-p", directory, "-e", "stderr"];
    },
  });
}
