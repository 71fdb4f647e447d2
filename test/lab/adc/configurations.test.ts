import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bigConf } from "../../../lab/big-conf.ts";
import { demoConf } from "../../../lab/demo-conf.ts";
import { startLab } from "../../../lab/lab.ts";
import { SCENARIO_NAMES, scenario } from "../../../lab/scenarios.ts";
import { memberKey } from "../../../src/model/adc-state.ts";
import { until } from "./support/test-adc.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";

const fixtures = join(import.meta.dirname, "..", "..", "fixtures", "ns.conf");

describe("lab configurations", () => {
  test.each(SCENARIO_NAMES)("import without errors from the ns.conf of %s", (name) => {
    const { conf } = scenario(name);
    const estate = parseNsConf(conf?.(demoConf()) ?? demoConf(), { adc: "lab" });
    expect(estate.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  });

  test("run the 2010 guide unchanged, including its pinned ports", async () => {
    const confText = await readFile(join(fixtures, "exchange-2010.conf"), "utf8");
    const lab = await startLab({ confText, timeScale: 0.05 });
    try {
      const states = lab.adc.members().map(({ member, state }) => `${member.adcService} ${state}`);
      expect(states).toEqual(
        expect.arrayContaining([
          "Exchange_2010_IMAP4 UP",
          "Exchange_2010_POP3 UP",
          "Exchange_2010_RPC UP",
        ]),
      );
      expect(lab.connectTo["192.168.1.154:22902"]).toMatch(/^127\.0\.0\.1:\d+$/);
    } finally {
      await lab.close();
    }
  });

  test("run the 2016 guide unchanged, including its DNS, NTP and directory servers", async () => {
    const confText = await readFile(join(fixtures, "exchange-2016.conf"), "utf8");
    const lab = await startLab({ confText, timeScale: 0.3 });
    try {
      await until("all are up", () => lab.adc.members().every(({ state }) => state === "UP"));
      expect([...lab.directories.keys()]).toEqual(["dc01", "dc02"]);
      expect(lab.monitorCredentials["lb_mon_ldaps"]?.username).toBe("ldap@lab.local");
    } finally {
      await lab.close();
    }
  });

  test("generate an estate of the requested size that imports without diagnostics", () => {
    const estate = parseNsConf(bigConf({ members: 1_003 }), { adc: "big" });
    const members = [...estate.services.values()].flatMap((service) =>
      service.members.map(({ server, port }) => memberKey(service.name, server, port)),
    );
    expect(new Set(members).size).toBe(1_003);
    expect(new Set([...estate.servers.values()].map(({ address }) => address)).size).toBe(1_003);
    expect([...estate.services.values()].every(({ monitors }) => monitors.length === 2)).toBe(true);
    expect(estate.csVservers.size).toBe(13);
    expect(estate.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  });
});
