import { expect, test } from "vitest";
import { memberKey } from "../../src/model/adc-state.ts";
import { serverTls } from "../probes/transactions/transaction-spec.ts";
import { compareWorld } from "../support/compared-world.ts";
import { webServer } from "../support/web-server.ts";

/** Exchange after an update that answers `/` with a redirect; every name that came in a handshake. */
async function updatedExchange(): Promise<{ readonly port: number; readonly names: Set<string> }> {
  const names = new Set<string>();
  const port = await webServer((request, response) => {
    names.add((request.socket as { servername?: string | false }).servername || "none");
    response.setHeader("X-FEServer", "EX01");
    if (request.url === "/owa/healthcheck.htm") {
      response.end("200 OK<br/>EX01.example.com");
      return;
    }
    const to = request.url === "/" ? "/owa/" : "/owa/auth/logon.aspx?url=x&reason=0";
    if (request.url === "/owa/auth/logon.aspx?url=x&reason=0") {
      response.end("<form action=/owa/auth.owa><input name=username></form>");
      return;
    }
    response.writeHead(302, { location: to }).end();
  }, serverTls());
  return { port, names };
}

test.each([
  ["built-in https (HEAD /, 200)", "bind serviceGroup sg_exchange_owa -monitorName https"],
  [
    "GET / with 200 and 301",
    `add lb monitor m_root HTTP -respCode 200 301 -httpRequest "GET /" -secure YES -customHeaders "Host: mail.example.com\\r\\n"
bind serviceGroup sg_exchange_owa -monitorName m_root`,
  ],
])("root that redirects after an update › is strict_monitor with %s", async (_, monitor) => {
  const { port, names } = await updatedExchange();
  const { rows, status } = await compareWorld({
    conf: `add server EX01 198.51.100.11
add serviceGroup sg_exchange_owa SSL
add lb vserver v_owa SSL 0.0.0.0 0
bind lb vserver v_owa sg_exchange_owa
bind serviceGroup sg_exchange_owa EX01 443
${monitor}
`,
    at: { "198.51.100.11:443": port },
    yaml: 'members: [{ match: "EX01:443", exchange: "2016" }]',
    believes: ({ members, monitors }) => {
      const key = memberKey("sg_exchange_owa", "EX01", 443);
      members.set(key, { state: "DOWN", sinceChangeMs: 3_600_000 });
      for (const name of ["https", "m_root"]) {
        monitors.set(`${key}/${name}`, {
          state: "DOWN",
          lastResponse: "Failure - HTTP response code 302 received",
          currentFailedProbes: 3,
        });
      }
    },
  });
  expect(rows.map(({ verdict, reason }) => [verdict, reason])).toEqual([
    ["strict_monitor", "bad_status"],
  ]);
  expect(status).toBe(2);
  // A look takes the name that the monitor asks for, where nothing else names one; the replica has none, as the ADC.
  expect([...names].sort()).toEqual(
    monitor.includes("Host:") ? ["mail.example.com", "none"] : ["none"],
  );
});
