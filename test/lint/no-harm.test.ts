import { describe, expect, test } from "vitest";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { lint } from "../../src/lint/lint.ts";

function commands(...lines: readonly string[]): string[] {
  return lint(parseNsConf(lines.join("\n"), { adc: "test" })).flatMap((one) => [...one.commands]);
}

const message = (rule: string, ...lines: readonly string[]): string | undefined =>
  lint(parseNsConf(lines.join("\n"), { adc: "test" })).find((one) => one.rule === rule)?.message;

const WHOLE = "#NS13.1 Build 37.38";
const SAVED = [WHOLE, "set ns config -IPAddress 10.9.9.9 -netmask 255.255.255.0"];

/** Cases from published configurations in which a command would have done harm or been refused. */
describe("lint proposals", () => {
  test("hold no clear-text banner for 465 unless the server is known as Exchange", () => {
    expect(commands("add service relay 10.0.0.1 TCP 465")).toEqual([]);
    const exchange = [
      'add lb monitor page HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES',
      "add service owa 10.0.0.1 SSL 443",
      "bind service owa -monitorName page",
    ];
    expect(commands(...exchange, "add service relay 10.0.0.1 TCP 465")[0]).toMatch(
      /^add lb monitor relay_deep TCP-ECV -recv "220 "/,
    );
  });

  test("wait longer for a greeting than a server delays unknown clients", () => {
    expect(commands("add service relay 10.0.0.1 TCP 25")[0]).toMatch(/-resptimeout 10$/);
  });

  test.each([
    ["a database behind TLS", "add service db 10.0.0.1 SSL_TCP 3306"],
    ["FTP within TLS", "add service ftp 10.0.0.1 TCP 990"],
  ])("ask %s for a TLS handshake and use no clear-text monitor", (_what, service) => {
    const [name = ""] = service.split(" ").slice(2);
    expect(commands(service)).toEqual([`bind service ${name} -monitorName tcps`]);
  });

  test("neither change nor remove a monitor whose command the ADC refuses", () => {
    const refused =
      'add lb monitor m HTTP -httpRequest "GET /a HTTP/1.1\\r\\nHost: x\\r\\n" -recv ok';
    expect(commands(refused)).toEqual([]);
    const bound = ["add service s 10.0.0.1 HTTP 80", refused, "bind service s -monitorName m"];
    expect(commands(...bound)).toEqual([]);
  });

  test("give policies of several findings at one vserver different priorities", () => {
    const bound = commands(
      'add lb monitor m HTTP-ECV -send "GET /mapi/healthcheck.htm" -recv "200 OK" -secure YES',
      "add service s 10.0.0.1 SSL 443",
      "bind service s -monitorName m",
      "add authentication vserver aaa SSL 0.0.0.0",
      "add lb vserver v SSL 10.0.0.2 443 -authn401 ON -authnVsName aaa",
      "bind lb vserver v s",
      "set tm sessionParameter -defaultAuthorizationAction DENY",
    ).flatMap((one) => /^bind lb vserver v .*-priority (\d+)/.exec(one)?.[1] ?? []);
    expect(bound.length).toBeGreaterThan(2);
    expect(new Set(bound).size).toBe(bound.length);
  });

  test("do not call codes errors when they include a success", () => {
    const codes = (written: string) =>
      message(
        "resp_codes_accept_errors",
        "add service s 10.0.0.1 HTTP 80",
        `add lb monitor m HTTP -httpRequest "GET /a" -respCode ${written}`,
        "bind service s -monitorName m",
      );
    expect(codes("200-499")).toMatch(/^Errors count as success \(-respCode 200-499\)/);
    expect(codes("503")).toMatch(/^Only an error counts as success/);
  });

  test("report a missing certificate as a note when the file holds none at all", () => {
    const bind = [
      WHOLE,
      "add lb vserver v SSL 10.0.0.2 443",
      "bind ssl vserver v -certkeyName gone",
    ];
    const severity = (...more: readonly string[]) =>
      lint(parseNsConf([...bind, ...more].join("\n"), { adc: "test" })).find(
        ({ rule }) => rule === "dangling_reference",
      )?.severity;
    expect(severity()).toBeUndefined();
    expect(severity("add ssl certKey other -cert a -key b")).toBe("error");
    const profiled = [WHOLE, "add service s 10.0.0.1 HTTP 80 -netProfile NETPROF"];
    const profile = (...more: readonly string[]) =>
      lint(parseNsConf([...profiled, ...more].join("\n"), { adc: "test" })).find(
        ({ rule }) => rule === "dangling_reference",
      )?.severity;
    expect(profile()).toBe("info");
    expect(profile("add netProfile other")).toBe("error");
  });

  test("remove no monitor when a binding's misspelt name may mean it", () => {
    const unused = [...SAVED, "add service s 10.0.0.1 HTTP 80", "add lb monitor MON_app HTTP"];
    const good = 'add lb monitor good HTTP-ECV -send "GET /x" -recv ok';
    const bound = [...unused, good, "bind service s -monitorName good"];
    expect(commands(...bound)).toContain("rm lb monitor MON_app HTTP");
    expect(commands(...bound, "bind service s -monitorName app")).toEqual([]);
  });

  test("remove no monitor when a service without one may be what it was made for", () => {
    const unused = [
      ...SAVED,
      "add service s 10.0.0.1 UDP 123",
      "add lb monitor ntp UDP-ECV -send x",
    ];
    expect(commands(...unused).filter((one) => one.startsWith("rm"))).toEqual([]);
  });

  test("remove no monitor when the text does not hold the ADC's own address", () => {
    expect(commands(WHOLE, "add lb monitor m TCP-ECV -recv y")).toEqual([]);
  });

  test("report no error for missing objects in a captured session", () => {
    const shown = ["add lb vserver v HTTP 10.0.0.2 80", "bind lb vserver v web"];
    const prompt = "Primary|nsroot@ns1-2026/01/02-03:04> sho run | grep v";
    const severity = (...lines: readonly string[]) =>
      lint(parseNsConf(lines.join("\n"), { adc: "test" })).map(
        (one) => `${one.severity} ${one.rule}`,
      );
    expect(severity(prompt, ...shown)).toEqual([]);
    expect(severity(WHOLE, ...shown)).toEqual(["error dangling_reference"]);
    expect(severity(prompt, "set ns config -IPAddress 10.0.0.9", ...shown)).toEqual([
      "error dangling_reference",
    ]);
  });
});
