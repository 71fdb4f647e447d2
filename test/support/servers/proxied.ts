import { readFileSync } from "node:fs";
import { labCertificateFiles } from "../lab-certificate-files.ts";
import { put, startServer, type RealServer } from "../real-servers.ts";
import { startPostfixAs } from "./postfix.ts";
import { startDovecot } from "./dovecot.ts";

/** Postfix that speaks SMTP only behind a PROXY header. Needs root. Debian: postfix. */
export function startProxiedPostfix(): Promise<RealServer> {
  return startPostfixAs({
    ports: ["smtp"],
    main: `mydestination = mail.example.com
mynetworks = 127.0.0.0/8
smtpd_upstream_proxy_timeout = 2s
`,
    master: (ports) => `127.0.0.1:${ports["smtp"] ?? 0} inet n - n - - smtpd
  -o smtpd_upstream_proxy_protocol=haproxy
  -o smtpd_tls_security_level=may
discard unix - - n - - discard
local unix - n n - - local
`,
  });
}

/** Dovecot whose listeners all await a PROXY header, in the clear and before TLS. Debian: dovecot-imapd, dovecot-pop3d. */
export function startProxiedDovecot(): Promise<RealServer> {
  return startDovecot({ proxied: true });
}

/** nginx that awaits a PROXY header, in the clear and before TLS. Debian: nginx. */
export function startProxiedNginx(): Promise<RealServer> {
  return startServer({
    program: "nginx",
    ports: ["http", "https"],
    prepare({ directory, ports }) {
      const tls = labCertificateFiles("mail");
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
  server {
    listen 127.0.0.1:${ports["http"] ?? 0} proxy_protocol;
    listen 127.0.0.1:${ports["https"] ?? 0} ssl proxy_protocol;
    ssl_certificate ${tls.certificate};
    ssl_certificate_key ${tls.key};
    location = /owa/healthcheck.htm { default_type text/html; return 200 "200 OK<br/>EX01.example.com"; }
    location / { return 302 /owa/auth/logon.aspx; }
  }
}
`,
      );
      return ["-c", file, "-p", directory, "-e", "stderr"];
    },
  });
}

/** HAProxy that awaits a PROXY header and answers HTTP by itself, in the clear and over TLS. Debian: haproxy. */
export function startProxiedHaproxy(): Promise<RealServer> {
  return startServer({
    program: "haproxy",
    ports: ["http", "https"],
    prepare({ directory, ports }) {
      const tls = labCertificateFiles("mail");
      const both = put(
        directory,
        "mail.pem",
        readFileSync(tls.certificate, "utf8") + readFileSync(tls.key, "utf8"),
      );
      const file = put(
        directory,
        "haproxy.cfg",
        `
defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 5s
frontend web
  bind 127.0.0.1:${ports["http"] ?? 0} accept-proxy
  bind 127.0.0.1:${ports["https"] ?? 0} accept-proxy ssl crt ${both}
  http-request return status 200 content-type text/html string "200 OK<br/>EX01.example.com"
`,
      );
      return ["-db", "-f", file];
    },
  });
}
