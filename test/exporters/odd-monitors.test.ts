import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { blackboxFile, blackboxTargets } from "../../src/exporters/blackbox.ts";
import { runMonitor } from "../../src/probes/monitors/registry.ts";
import { monitorSpec } from "../support/monitor-spec.ts";
import { probeContext } from "../support/probe-context.ts";
import { missing, put, startServer, type RealServer } from "../support/real-servers.ts";
import { serve, type ScriptedServer } from "../support/scripted-server.ts";
import { readText } from "../support/web-server.ts";

/** A service group of these monitors: `add lb monitor` is left out of each line. */
function estateOf(lines: readonly string[], more: readonly string[] = [], adc = "prod") {
  const written = lines.map((line) => `add lb monitor ${line}`);
  return parseNsConf(
    [
      "add server ex01 127.0.0.1",
      "add server ex06 ::1",
      ...more,
      ...written,
      ...["sg ex01", "sg6 ex06"].flatMap((group) => {
        const [name = "", server = ""] = group.split(" ");
        return [
          `add serviceGroup ${name} HTTP`,
          `bind serviceGroup ${name} ${server} 8080`,
          ...lines.map((line) => {
            const monitor = /^(?:"(?:\\.|[^"])*"|\S+)/.exec(line)?.[0] ?? "";
            return `bind serviceGroup ${name} -monitorName ${monitor}`;
          }),
        ];
      }),
    ].join("\n"),
    { adc },
  );
}

describe("/sd/blackbox.yml for odd monitors", () => {
  test.each([
    ['m HTTP -httpRequest "GET /a%zz"', "the prober would write its path in another way"],
    ['m HTTP -httpRequest "GET /owa/#inbox"', "the prober would write its path in another way"],
    ['m HTTP -httpRequest "GET /büro"', "the prober would write its path in another way"],
    ['m HTTP -httpRequest "GET /a|b"', "the prober would write its path in another way"],
    ['m HTTP -httpRequest "GET /m HTTP/1.0"', "its request has more than a method and a path"],
    ['m HTTP-ECV -send "GET /m HTTP/1.1" -recv x', "its request has more than a method and a path"],
    ['m HTTP -customHeaders "X-A: 1\\r\\nx-a: 2\\r\\n"', "the prober sends x-a only once"],
    [
      'm HTTP -customHeaders "X-A: 1\\r\\n 2\\r\\n"',
      "a line of its custom headers is none that the prober can send",
    ],
    [
      'm HTTP -customHeaders "X-A : 1\\r\\n"',
      "a line of its custom headers is none that the prober can send",
    ],
    ['m HTTP -customHeaders "Content-Length: 0\\r\\n"', "the prober sets Content-Length itself"],
    [
      "m TCP-ECV -send PING -recv PONG",
      "what it sends does not end in a line feed, which the prober adds",
    ],
    ['m TCP-ECV -send "\\n" -recv x', "it sends an empty line, which the prober does not"],
  ])("has no module for %s, and gives the reason", (line, reason) => {
    const estate = estateOf([line]);
    const file = blackboxFile([estate]);
    expect(parse(file)).toEqual({ modules: {} });
    expect(file).toMatch(new RegExp(`^# not expressed: prod: m \\(\\S+\\): ${reason}$`, "m"));
    expect(blackboxTargets([estate])).toEqual([]);
  });

  test("leaves out a monitor or service when its replica sends a PROXY header", () => {
    const profile = ["add netProfile np -proxyProtocol ENABLED"];
    const own = estateOf(["m HTTP -netProfile np", "t TCP -netProfile np"], profile);
    expect(blackboxFile([own])).toContain("prod: m (HTTP): it begins with a PROXY header");
    expect(blackboxTargets([own]).map(({ labels }) => labels["__param_module"])).toEqual([
      "prod_t",
      "prod_t",
    ]);
    const services = estateOf(["m HTTP"], [...profile]);
    const behind = parseNsConf(
      [
        ...profile,
        "add server ex01 127.0.0.1",
        "add lb monitor m HTTP",
        "add serviceGroup sg HTTP -netProfile np",
        "bind serviceGroup sg ex01 8080",
        "bind serviceGroup sg -monitorName m",
      ].join("\n"),
      { adc: "prod" },
    );
    expect(blackboxTargets([services])).toHaveLength(2);
    expect(blackboxTargets([behind])).toEqual([]);
  });

  test("leaves out a server when its name resolves to IPv6, since the prober prefers IPv4", () => {
    const named = (option: string): number =>
      blackboxTargets([
        parseNsConf(
          [
            `add server web web.example.com${option}`,
            "add lb monitor m HTTP",
            "add serviceGroup sg HTTP",
            "bind serviceGroup sg web 80",
            "bind serviceGroup sg -monitorName m",
          ].join("\n"),
          { adc: "prod" },
        ),
      ]).length;
    expect([named(""), named(" -IPv6Address YES")]).toEqual([1, 0]);
  });

  test("has a module for each monitor when joined names of ADC and monitor are ambiguous", () => {
    const file = blackboxFile([estateOf(["b_c TCP"], [], "a"), estateOf(["c TCP"], [], "a_b")]);
    const { modules } = parse(file) as { modules: object };
    expect(Object.keys(modules)).toHaveLength(2);
  });

  test("notes the ADC's newest TLS when the prober uses a newer one", () => {
    const file = blackboxFile([
      estateOf(
        ["old TCP -secure YES", "new TCP -secure YES -sslProfile p"],
        ["add ssl profile p -sslProfileType BackEnd -tls13 ENABLED"],
      ),
    ]);
    expect(file).toMatch(/newer TLS too, the ADC none after TLSv1\.2\n +prod_old:/);
    expect(file).not.toMatch(/newer TLS too.*\n +prod_new:/);
  });
});

const NO_BLACKBOX = missing("prometheus-blackbox-exporter", "prometheus-blackbox-exporter");

describe.skipIf(NO_BLACKBOX !== null)("real blackbox_exporter with odd monitors", () => {
  const ODD = [
    ['"x na me\'s \\"ü" TCP', "web", true],
    ['x-post HTTP -httpRequest "POST /m"', "web", true],
    ['x-query HTTP -httpRequest "GET /m?a=b|c&d=%20"', "web", true],
    ['x-dots HTTP -httpRequest "GET /x/../m"', "web", true],
    ['x-head HTTP-ECV -send "HEAD /m" -recv served', "web", false],
    ['x-600 HTTP-ECV -send "GET /s699" -recv served', "web", true],
    ['x-none HTTP-ECV -send "GET /s503"', "web", true],
    ['x-900 HTTP -httpRequest "GET /s999" -respCode 900-999', "web", true],
    ['x-few HTTP -httpRequest "GET /s204" -respCode 200-203 205', "web", false],
    ['x-host HTTP -httpRequest "GET /host" -customHeaders "host: a.example\\r\\n"', "web", true],
    ['x-v6 HTTP -httpRequest "GET /m"', "web6", true],
    ["x-v6tcp TCP", "web6", true],
    ['x-dollar TCP-ECV -send "A${1}$0B\\n" -recv "$0B"', "echo", true],
    [
      'x-meta TCP-ECV -send "[a-z]+(?i)\\\\d/-~#{2}\\n" -recv "[a-z]+(?i)\\\\d/-~#{2}"',
      "echo",
      true,
    ],
    ['x-case TCP-ECV -send "grüß\\n" -recv "Grüß"', "echo", false],
    ["x-deaf TCP-ECV -send PING", "silent", true],
    ["x-220 SMTP", "bare220", true],
  ] as const;
  const estate = estateOf(ODD.map(([line]) => line));
  const monitors = [...estate.monitors.values()].filter(({ name }) => name.startsWith("x"));
  let blackbox: RealServer;
  let web6: Server;
  let servers: Record<"web" | "echo" | "silent" | "bare220", ScriptedServer>;

  beforeAll(async () => {
    servers = {
      web: await serve(web),
      echo: await serve((socket) => socket.pipe(socket)),
      silent: await serve((socket) => socket.resume()),
      bare220: await serve((socket) => {
        socket.write("220\r\n");
        socket.on("data", (line) => {
          socket.write(line.toString().startsWith("QUIT") ? "221\r\n" : "250\r\n");
        });
      }),
    };
    web6 = createServer(web).listen(0, "::1");
    await once(web6, "listening");
    blackbox = await startServer({
      program: "prometheus-blackbox-exporter",
      ports: ["web"],
      prepare: ({ directory, ports }) => [
        `--config.file=${put(directory, "blackbox.yml", blackboxFile([estate]))}`,
        `--web.listen-address=127.0.0.1:${String(ports["web"])}`,
      ],
    });
  });

  afterAll(async () => {
    web6.close();
    await Promise.all([blackbox.stop(), ...Object.values(servers).map((server) => server.close())]);
  });

  test.each(ODD.map(([line, place, up], index) => [line, place, up, index] as const))(
    "agrees with our monitor %s at %s that it is up: %s",
    async (_line, place, up, index) => {
      const monitor = monitors[index] ?? expect.fail("not imported");
      const host = place === "web6" ? "::1" : "127.0.0.1";
      const port = place === "web6" ? (web6.address() as AddressInfo).port : servers[place].port;
      const spec = { ...monitorSpec(monitor.type, {}, { hostHeader: host }), monitor };
      const ours = await runMonitor(spec, { host, port, server: "ex01" }, probeContext(1_500));
      const group = blackboxTargets([estate]).find(
        ({ labels }) =>
          labels["__meta_adc_witness_monitor"] === monitor.name &&
          labels["__meta_adc_witness_server"] === (place === "web6" ? "ex06" : "ex01"),
      );
      const query = new URLSearchParams({
        module: group?.labels["__param_module"] ?? "",
        target: (group?.targets[0] ?? "").replace(":8080", `:${String(port)}`),
      });
      const answer = await readText(
        `http://127.0.0.1:${String(blackbox.ports["web"])}/probe?${query.toString()}`,
      );
      const theirs = /^probe_success (\d)$/m.exec(answer)?.[1];
      expect([ours.passed, theirs]).toEqual([up, up ? "1" : "0"]);
    },
  );
});

/** Answers `/sNNN` with that status, `/host` by the Host that it is asked for, all else with 200. */
function web(socket: Socket): void {
  socket.on("error", () => undefined);
  let text = "";
  socket.on("data", (data) => {
    text += data.toString("latin1");
    if (!text.includes("\r\n\r\n")) {
      return;
    }
    const [, path = ""] = text.split(" ", 2);
    const asked = /^\/s(\d{3})$/.exec(path)?.[1];
    const missed = path === "/host" && !/^host: a\.example\r$/im.test(text);
    const status = asked ?? (missed ? "404" : "200");
    const body = text.startsWith("HEAD ") || status === "204" ? "" : "served";
    const length = status === "204" ? "" : "Content-Length: 6\r\n";
    socket.end(`HTTP/1.1 ${status} x\r\n${length}Connection: close\r\n\r\n${body}`);
  });
}
