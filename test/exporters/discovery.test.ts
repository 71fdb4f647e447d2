import { get } from "node:http";
import type { Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { labCertificate } from "../../lab/certificates/lab-certificate.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { blackboxFile, blackboxTargets } from "../../src/exporters/blackbox.ts";
import { probeTargets } from "../../src/exporters/discovery.ts";
import { runMonitor } from "../../src/probes/monitors/registry.ts";
import { maintenanceHour } from "../support/live-state.ts";
import { monitorSpec, PLAIN_TLS } from "../support/monitor-spec.ts";
import { probeContext } from "../support/probe-context.ts";
import { missing, put, startServer, type RealServer } from "../support/real-servers.ts";
import { serve, type ScriptedServer } from "../support/scripted-server.ts";
import { startNginx } from "../support/servers/nginx.ts";

const MONITORS = [
  'add lb monitor health HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -LRTM DISABLED',
  'add lb monitor health_tls HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES',
  'add lb monitor in_error HTTP-ECV -send "GET /broken" -recv "200"',
  'add lb monitor dots HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200.OK"',
  'add lb monitor front HTTP -httpRequest "HEAD /" -respCode 200',
  'add lb monitor wants_401 HTTP -httpRequest "GET /front" -respCode 401',
  'add lb monitor no_redirect HTTP -httpRequest "GET /moved" -respCode 200-299',
  'add lb monitor moved HTTP -httpRequest "GET /moved" -respCode 300-399',
  'add lb monitor hosted HTTP-ECV -send "GET /host" -recv "host=mail.example.com" -customHeaders "Host: mail.example.com\\r\\n"',
  "add lb monitor open TCP",
  "add lb monitor open_tls TCP -secure YES",
  'add lb monitor banner TCP-ECV -recv "The Microsoft Exchange IMAP4 service is ready."',
  'add lb monitor asked TCP-ECV -send "a1 CAPABILITY\\r\\n" -recv "IMAP4rev1"',
  "add lb monitor smtp SMTP -interval 30 -resptimeout 5",
  'add lb monitor backwards HTTP-ECV -send "GET /" -recv x -reverse YES',
  "add lb monitor leaving HTTP -trofsCode 503",
  "add lb monitor mailbox POP3 -userName itest -password geheim",
];
const NAMES = MONITORS.map((line) => line.split(" ")[3] ?? "");
const ESTATE = parseNsConf(
  [
    ...MONITORS,
    "add server ex01 127.0.0.1",
    "add serviceGroup sg HTTP",
    "bind serviceGroup sg ex01 8080",
    ...NAMES.map((name) => `bind serviceGroup sg -monitorName ${name}`),
  ].join("\n"),
  { adc: "prod" },
);

describe("/sd/blackbox.yml", () => {
  test("holds what a prober can express, and names the rest with its reason", () => {
    const file = blackboxFile([ESTATE]);
    const { modules } = parse(file) as { modules: Record<string, unknown> };
    const expressible = NAMES.filter((name) => !["backwards", "leaving", "mailbox"].includes(name));
    expect(Object.keys(modules).sort()).toEqual(expressible.map((name) => `prod_${name}`).sort());
    expect(file.match(/^# not expressed: prod: .*$/gm)).toEqual([
      "# not expressed: prod: backwards (HTTP-ECV): a reverse monitor distinguishes a timeout from a refused connection",
      "# not expressed: prod: leaving (HTTP): it detects maintenance from the status",
      "# not expressed: prod: mailbox (POP3): no prober is equivalent to POP3",
    ]);
    expect(file).not.toContain("geheim");
    expect(modules["prod_wants_401"]).toMatchObject({
      prober: "http",
      http: { method: "GET", valid_status_codes: [401], follow_redirects: false },
    });
  });

  test("notes what a module cannot express, its time-out in milliseconds and its oldest TLS", () => {
    const estate = parseNsConf(
      [
        "add ssl profile modern -sslProfileType BackEnd -tls1 DISABLED -tls11 DISABLED -tls12 ENABLED",
        "add lb monitor tls TCP-ECV -recv OK -secure YES -resptimeout 1500 MSEC",
        "add lb monitor new TCP -secure YES -sslProfile modern",
        "add lb monitor a.b TCP",
        "add lb monitor a:b TCP",
        'add lb monitor web HTTP-ECV -send "GET /" -recv OK -secure YES',
        "add server ex01 127.0.0.1",
        "add serviceGroup sg TCP",
        "bind serviceGroup sg ex01 8080",
        ...["tls", "new", "a.b", "a:b", "web"].map(
          (name) => `bind serviceGroup sg -monitorName ${name}`,
        ),
      ].join("\n"),
      { adc: "prod" },
    );
    const file = blackboxFile([estate]);
    const { modules } = parse(file) as { modules: Record<string, Record<string, unknown>> };
    expect(Object.keys(modules)).toHaveLength(5);
    expect(modules["prod_tls"]).toMatchObject({
      timeout: "1500ms",
      tcp: { tls: true, tls_config: { min_version: "TLS10" } },
    });
    expect(modules["prod_new"]).toMatchObject({ tcp: { tls_config: { min_version: "TLS12" } } });
    expect(modules["prod_web"]).toMatchObject({
      http: { fail_if_not_ssl: true, tls_config: { min_version: "TLS10" } },
    });
    const beside = /((?: +# .*\n)+) +prod_web:\n/.exec(file)?.[1] ?? "";
    expect(beside).toContain("# not expressed: the prober sends a Host with the port");
    expect(beside).toContain("the first 24 KB");
    expect(beside).toContain("TLS settings of the service");
    expect(file).not.toMatch(/#.*\n +prod_a_b/);
  });

  test("has no modules when there are no monitors", () => {
    expect(parse(blackboxFile([]))).toEqual({ modules: {} });
  });
});

describe("/sd/targets", () => {
  test("gives unambiguous targets and the probe's name for our own /probe", () => {
    const groups = probeTargets(maintenanceHour());
    expect(groups).toHaveLength(10);
    expect(groups[0]).toEqual({
      targets: ["ex01:143"],
      labels: expect.objectContaining({
        __param_target: "prod/svc_imap/ex01:143",
        __param_monitor: "tcp",
        __meta_adc_witness_adc: "prod",
        __meta_adc_witness_vantage: "backend",
      }) as Record<string, string>,
    });
    expect(groups.at(-1)).toMatchObject({
      targets: ["v_owa"],
      labels: { __param_target: "prod/v_owa", __meta_adc_witness_vantage: "vip" },
    });
  });

  test("gives the module's name, and a URL when the prober is HTTP, for blackbox_exporter", () => {
    const groups = blackboxTargets([ESTATE]);
    const targets = Object.fromEntries(
      groups.map(({ targets: [target], labels }) => [labels["__param_module"] ?? "", target ?? ""]),
    );
    expect(targets).toMatchObject({
      prod_health: "http://127.0.0.1:8080/owa/healthcheck.htm",
      prod_health_tls: "https://127.0.0.1:8080/owa/healthcheck.htm",
      prod_open: "127.0.0.1:8080",
    });
    expect(targets).not.toHaveProperty("prod_backwards");
  });
});

describe.skipIf(
  missing("prometheus-blackbox-exporter", "prometheus-blackbox-exporter") !== null ||
    missing("nginx", "nginx") !== null,
)("real blackbox_exporter", () => {
  let blackbox: RealServer;
  let nginx: RealServer;
  let imap: ScriptedServer;
  let closing: ScriptedServer;
  let smtp: ScriptedServer;
  let imaps: ScriptedServer;
  let oldTls: ScriptedServer;

  beforeAll(async () => {
    const greet = "* OK The Microsoft Exchange IMAP4 service is ready.\r\n";
    const speakImap = (socket: Socket): void => {
      socket.write(greet);
      socket.on("data", () => socket.write("* CAPABILITY IMAP4 IMAP4rev1\r\na1 OK done\r\n"));
    };
    const { certificate, key } = labCertificate("mail");
    nginx = await startNginx();
    imap = await serve(speakImap);
    imaps = await serve(speakImap, { cert: certificate, key });
    oldTls = await serve(speakImap, {
      cert: certificate,
      key,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    closing = await serve((socket) => socket.end());
    smtp = await serve((socket) => {
      socket.write("220 ex01 Microsoft ESMTP MAIL Service ready\r\n");
      socket.on("data", (line) => {
        const quits = line.toString().startsWith("QUIT");
        socket.write(quits ? "221 2.0.0 bye\r\n" : "250-ex01 Hello\r\n250 CHUNKING\r\n");
      });
    });
    blackbox = await startServer({
      program: "prometheus-blackbox-exporter",
      ports: ["web"],
      prepare: ({ directory, ports }) => [
        `--config.file=${put(directory, "blackbox.yml", blackboxFile([ESTATE]))}`,
        `--web.listen-address=127.0.0.1:${String(ports["web"])}`,
      ],
    });
  });

  afterAll(async () => {
    await Promise.all([
      blackbox.stop(),
      nginx.stop(),
      imap.close(),
      imaps.close(),
      oldTls.close(),
      closing.close(),
      smtp.close(),
    ]);
  });

  const where = {
    nginx: () => nginx.ports["http"] ?? 0,
    nginx_tls: () => nginx.ports["https"] ?? 0,
    imap: () => imap.port,
    imaps: () => imaps.port,
    old_tls: () => oldTls.port,
    closing: () => closing.port,
    smtp: () => smtp.port,
    // Nothing listens on the discard port.
    nobody: () => 9,
  };

  test.each([
    ["health", "nginx", true],
    ["health", "imap", false],
    ["health_tls", "nginx_tls", true],
    ["health_tls", "nginx", false],
    ["in_error", "nginx", true],
    ["dots", "nginx", false],
    ["front", "nginx", true],
    ["front", "nobody", false],
    ["wants_401", "nginx", true],
    ["no_redirect", "nginx", false],
    ["moved", "nginx", true],
    ["hosted", "nginx", true],
    ["open", "imap", true],
    ["open", "closing", true],
    ["open", "nobody", false],
    ["open_tls", "imaps", true],
    ["open_tls", "old_tls", true],
    ["open_tls", "imap", false],
    ["banner", "imap", true],
    ["banner", "smtp", false],
    ["banner", "closing", false],
    ["banner", "nobody", false],
    ["asked", "imap", true],
    ["asked", "closing", false],
    ["smtp", "smtp", true],
    ["smtp", "imap", false],
  ] as const)("agrees with our monitor %s at %s that it is up: %s", async (name, place, up) => {
    const monitor = ESTATE.monitors.get(name) ?? expect.fail(name);
    const port = where[place]();
    const tls = monitor.secure
      ? ({ ...PLAIN_TLS, minVersion: "TLSv1", legacy: true } as const)
      : null;
    const spec = { ...monitorSpec(monitor.type, {}, { tls }), monitor };
    const target = { host: "127.0.0.1", port, server: "ex01" };
    const ours = await runMonitor(spec, target, probeContext(up ? 10_000 : 2_000));
    const group = blackboxTargets([ESTATE]).find(
      ({ labels }) => labels["__meta_adc_witness_monitor"] === name,
    );
    const theirTarget = (group?.targets[0] ?? "").replace(
      "127.0.0.1:8080",
      `127.0.0.1:${String(port)}`,
    );
    const module = group?.labels["__param_module"] ?? "";
    const url = `http://127.0.0.1:${String(blackbox.ports["web"])}/probe?module=${module}&target=${encodeURIComponent(theirTarget)}`;
    const theirs = /^probe_success (\d)$/m.exec(await read(url))?.[1];
    expect([ours.passed, theirs]).toEqual([up, up ? "1" : "0"]);
  });
});

function read(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let text = "";
      response.on("data", (data: Buffer) => (text += data.toString()));
      response.on("end", () => {
        resolve(text);
      });
    }).on("error", reject);
  });
}
