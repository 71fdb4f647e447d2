import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { expect, test } from "vitest";
import { runCompare } from "../../src/cli/compare.ts";
import { runProbeCommand } from "../../src/cli/probe.ts";
import type { CompareJson } from "../../src/web/api/verdicts.ts";
import { withLab } from "../support/lab-agent.ts";
import { commandAnswer } from "../support/command-answer.ts";

test("agent with an ns.conf alone › gives everything but the ADC's opinion, and the reason of unknown verdicts", async () => {
  await withLab({ scenario: "healthy" }, async ({ lab, directory }) => {
    const nsConf = join(directory, "ns.conf");
    await writeFile(nsConf, lab.confText);
    const config = join(directory, "ns-conf-only.yml");
    const written = {
      agent: "test",
      state_dir: directory,
      unmapped: "refuse",
      adcs: [{ name: "file", ns_conf: nsConf }],
      connect_to: lab.connectTo,
    };
    await writeFile(config, stringify(written));
    let out = "";
    const output = { out: (text: string) => (out += text), err: (text: string) => (err += text) };
    let err = "";

    const status = await runCompare(
      { config, server: null, waitMs: 0, timeoutMs: 50_000, strict: false, json: true },
      output,
    );
    // Nothing at all could be compared: the ADC's opinion is nowhere to be had.
    const json = JSON.parse(out) as CompareJson;
    const odd = [...json.rows, ...json.vservers].filter(({ verdict }) => verdict !== "unknown");
    expect({ status, odd }).toEqual({ status: 3, odd: [] });
    const owa = json.rows.filter((row) => row.adc_service === "sg_owa");
    expect(owa).toHaveLength(3);
    for (const row of owa) {
      expect(row).toMatchObject({
        verdict: "unknown",
        reason: "not_configured",
        opinions: { adc: "unknown", replica: "up", service: "up" },
      });
    }

    out = "";
    const probed = await runProbeCommand(
      { config, target: "sg_imaps/ex01:993", monitor: "imap_greeting", json: false },
      output,
    );
    expect(out).toMatch(/^PASSED: imap_greeting/);
    expect(out).toContain("The Microsoft Exchange IMAP4 service is ready.");
    expect(out).toMatch(/tls {7}TLSv1\.[23] .*verification/);
    expect(probed).toBe(0);

    out = "";
    await runProbeCommand(
      { config, target: "sg_imaps/ex01:993", monitor: "imap_greeting", json: true },
      output,
    );
    expect(commandAnswer("probe", out)).toMatchObject({
      status: "OK",
      passed: true,
      observation: { outcome: "match", tls: { chain: [{}] } },
    });

    out = "";
    const ambiguous = await runProbeCommand(
      { config, target: "ex01:443", monitor: "https_challenge", json: false },
      output,
    );
    expect(ambiguous).toBe(3);
    expect(err).toContain("file/sg_owa/ex01:443");
  });
}, 120_000);
