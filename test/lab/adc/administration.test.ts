import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { serve, type ScriptedServer } from "../../support/scripted-server.ts";
import { startTestAdc, until, type TestAdc } from "./support/test-adc.ts";

const TIMING = "-interval 600 MSEC -resptimeout 590 MSEC -downTime 300 MSEC";
const CONF = `
add server ex01 198.51.100.11
add server ex02 198.51.100.12
add serviceGroup sg TCP
add lb monitor mon_banner TCP-ECV -recv ready ${TIMING}
add lb vserver v TCP 192.0.2.20 143 -persistenceType SOURCEIP -timeout 2
bind serviceGroup sg ex01 143
bind serviceGroup sg ex02 143
bind serviceGroup sg -monitorName mon_banner
bind lb vserver v sg
`;

const servers: ScriptedServer[] = [];
const adcs: TestAdc[] = [];
afterEach(async () => {
  await Promise.all(adcs.splice(0).map(({ adc }) => adc.close()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(conf = CONF, answer: () => string = () => "ready"): Promise<TestAdc> {
  const banner =
    (name: string) =>
    (socket: Socket): void => {
      socket.write(`${answer()} ${name}\r\n`);
      socket.on("end", () => socket.end());
    };
  const [ex01, ex02] = [await serve(banner("ex01")), await serve(banner("ex02"))];
  servers.push(ex01, ex02);
  const adc = await startTestAdc(conf, {
    "198.51.100.11:143": ex01.port,
    "198.51.100.12:143": ex02.port,
  });
  adcs.push(adc);
  return adc;
}

async function client(port: number): Promise<{ socket: Socket; greeting: string }> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  const greeting = await new Promise<string>((resolve) => {
    socket.on("data", (data) => {
      resolve(data.toString().trim());
    });
    socket.on("close", () => {
      resolve("");
    });
  });
  return { socket, greeting };
}

describe("lab ADC administration", () => {
  test("takes a disabled server out of service at once and closes its connections", async () => {
    const { adc, port } = await start();
    const first = await client(port("192.0.2.20", 143));
    const bound = /ex0\d/.exec(first.greeting)?.[0] ?? "";
    adc.disableServer(bound);
    const member = adc.member("sg", bound, 143);
    expect(member?.state).toBe("OUT OF SERVICE");
    await until("the client is cut off", () => first.socket.destroyed);
    const probes = member?.monitorBelief("mon_banner")?.totalProbes;
    const other = adc.member("sg", bound === "ex01" ? "ex02" : "ex01", 143);
    const before = other?.monitorBelief("mon_banner")?.totalProbes ?? 0;
    await until(
      "the other one is probed on",
      () => (other?.monitorBelief("mon_banner")?.totalProbes ?? 0) > before + 1,
    );
    expect(member?.monitorBelief("mon_banner")).toMatchObject({ state: "UP", totalProbes: probes });
    expect((await client(port("192.0.2.20", 143))).greeting).not.toContain(bound);
    expect(adc.estate().servers.get(bound)?.enabled).toBe(false);
    expect(
      adc
        .estate()
        .services.get("sg")
        ?.members.map(({ enabled, server }) => [server, enabled]),
    ).toContainEqual([bound, false]);
    adc.enableServer(bound);
    await until("it is back", () => member?.state === "UP");
    expect(adc.estate().servers.get(bound)?.enabled).toBe(true);
  });

  test("keeps existing and bound clients when disabled gracefully, until the last has gone", async () => {
    const { adc, port } = await start();
    const vip = port("192.0.2.20", 143);
    const first = await client(vip);
    const bound = /ex0\d/.exec(first.greeting)?.[0] ?? "";
    adc.disableMember("sg", bound, 143, { graceful: true });
    const member = adc.member("sg", bound, 143);
    expect(member?.belief()).toMatchObject({ state: "GOING OUT OF SERVICE", trofsReason: null });
    const second = await client(vip);
    expect(second.greeting).toContain(bound);
    expect(first.socket.destroyed).toBe(false);
    first.socket.end();
    second.socket.end();
    await until("it is out", () => member?.state === "OUT OF SERVICE");
    expect((await client(vip)).greeting).not.toContain(bound);
  });

  test("cuts remaining clients off when the disable delay is over", async () => {
    const { adc, port } = await start();
    const first = await client(port("192.0.2.20", 143));
    adc.disableService("sg", { delayMs: 300 });
    expect(adc.members().map(({ state }) => state)).toEqual([
      "GOING OUT OF SERVICE",
      "GOING OUT OF SERVICE",
    ]);
    await until("all are out", () =>
      adc.members().every(({ state }) => state === "OUT OF SERVICE"),
    );
    await until("the client is cut off", () => first.socket.destroyed);
    expect(adc.vserver("v")?.state).toBe("DOWN");
    expect((await client(port("192.0.2.20", 143))).greeting).toBe("");
  });

  test("keeps a disabled server disabled when its group is enabled", async () => {
    const { adc } = await start();
    adc.disableServer("ex01");
    adc.disableService("sg");
    adc.enableService("sg");
    await until("ex02 is up", () => adc.member("sg", "ex02", 143)?.state === "UP");
    expect(adc.member("sg", "ex01", 143)?.state).toBe("OUT OF SERVICE");
  });

  test("shows DOWN WHEN GOING OUT OF SERVICE when a leaving server fails", async () => {
    let banner = "ready";
    const { adc, port } = await start(CONF, () => banner);
    const first = await client(port("192.0.2.20", 143));
    const bound = /ex0\d/.exec(first.greeting)?.[0] ?? "";
    adc.disableMember("sg", bound, 143, { graceful: true });
    banner = "broken";
    await until(
      "it failed",
      () => adc.member("sg", bound, 143)?.state === "DOWN WHEN GOING OUT OF SERVICE",
    );
  });

  test("shows GOING OUT OF SERVICE when a server answers with the trofsString", async () => {
    let banner = "ready";
    const conf = CONF.replace("-recv ready", "-recv ready -trofsString leaving");
    const { adc } = await start(conf, () => banner);
    banner = "leaving";
    const member = adc.member("sg", "ex01", 143);
    await until("it leaves", () => member?.state === "GOING OUT OF SERVICE");
    expect(member?.belief().trofsReason).not.toBeNull();
    expect(adc.estate().services.get("sg")?.members[0]?.enabled).toBe(true);
  });

  test("starts a server out of service when ns.conf disables it", async () => {
    const { adc } = await start(
      CONF.replace(
        "add server ex01 198.51.100.11",
        "add server ex01 198.51.100.11 -state DISABLED",
      ),
    );
    expect(adc.member("sg", "ex01", 143)?.state).toBe("OUT OF SERVICE");
    adc.enableServer("ex01");
    await until("it is up", () => adc.member("sg", "ex01", 143)?.state === "UP");
  });
});

describe("lab ADC with several monitors", () => {
  const both = (service: string, binding = ""): string =>
    CONF.replace("add serviceGroup sg TCP", `add serviceGroup sg TCP ${service}`).replace(
      "bind serviceGroup sg -monitorName mon_banner",
      `add lb monitor mon_never TCP-ECV -recv never ${TIMING}\nbind serviceGroup sg -monitorName mon_banner\nbind serviceGroup sg -monitorName mon_never ${binding}`,
    );

  test.each([
    ["all monitors must pass", both(""), "DOWN"],
    ["enough pass for -monThreshold", both("-monThreshold 1"), "UP"],
    ["too few pass for -monThreshold", both("-monThreshold 2"), "DOWN"],
    ["a disabled binding does not count", both("", "-monState DISABLED"), "UP"],
    [
      "a disabled monitor does not count",
      both("").replace("-recv never", "-recv never -state DISABLED"),
      "UP",
    ],
    ["-healthMonitor NO is set", both("-healthMonitor NO"), "UP"],
  ] as const)("gives the expected state when %s", async (_, conf, expected) => {
    const { adc } = await start(conf);
    expect(adc.member("sg", "ex01", 143)?.state).toBe(expected);
  });

  test("keeps the last state and counters of a stopped monitor engine", async () => {
    const { adc } = await start();
    const member = adc.member("sg", "ex01", 143);
    adc.setMonitorEngine(true, ({ server }) => server === "ex01");
    await Promise.all(servers.map((server) => server.close()));
    servers.length = 0;
    const before = member?.monitorBelief("mon_banner")?.totalProbes;
    await until("the other one is noticed", () => adc.member("sg", "ex02", 143)?.state === "DOWN");
    expect(member?.state).toBe("UP");
    // One probe may have been on its way when the engine stopped.
    expect(
      (member?.monitorBelief("mon_banner")?.totalProbes ?? 0) - (before ?? 0),
    ).toBeLessThanOrEqual(1);
  });
});
