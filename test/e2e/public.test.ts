import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import type { LiveProbe, LiveVserver } from "../../src/model/live.ts";
import { runPlan } from "../../src/cli/plan.ts";
import { parseConfig } from "../../src/config/load.ts";
import { configOf, startInProcess, urlOf } from "../support/in-process-agent.ts";
import { until, withLab } from "../support/lab-agent.ts";
import { OWA_VIP, owaEstate } from "../support/owa-estate.ts";
import { missing } from "../support/real-servers.ts";
import { startBind, updateZone } from "../support/servers/bind.ts";

const ZONE = "example.com";
const NAME = "webmail.example.com";
const skip = missing("named", "bind9") ?? missing("nsupdate", "bind9-dnsutils");

const CONF = owaEstate("-persistenceType NONE");

interface Written {
  connect_to: Record<string, string>;
  vservers: Record<string, unknown>;
  dns_servers?: readonly string[];
  transactions: unknown;
}

describe.skipIf(skip !== null)(`public names${skip === null ? "" : ` (${skip})`}`, () => {
  test(
    "are each a site of its own for every address, with the DNS comparison at the VIP",
    { timeout: 150_000 },
    async () => {
      const bind = await startBind({
        zone: ZONE,
        records: `webmail 1 IN A ${OWA_VIP}
webmail 1 IN A 203.0.113.10
webmail 1 IN A 203.0.113.11
webmail 1 IN A 198.51.100.7
webmail 1 IN AAAA 2001:db8::443
`,
      });
      try {
        await withLab({ confText: CONF }, async ({ lab, directory, yaml, env }) => {
          const written = parse(yaml) as Written;
          const vip = lab.connectTo[`${OWA_VIP}:443`] ?? "";
          written.connect_to = {
            ...written.connect_to,
            "192.0.2.53:53": `127.0.0.1:${String(bind.ports["dns"])}`,
            "203.0.113.10:443": vip,
            "203.0.113.11:443": "127.0.0.1:1",
            "2001:db8::443": vip.replace(/:\d+$/, ""),
            "[2001:db8::443]:443": vip,
          };
          written.dns_servers = ["192.0.2.53"];
          written.vservers = {
            v_owa: { names: [NAME], path: "/owa/", ca_file: join(directory, "lab-ca.pem") },
          };
          written.transactions = {
            accounts: [{ name: "a", username: "LAB\\a", password: "${CANARY}" }],
            run: [{ transaction: "owa_form", account: "a", vantages: ["public"] }],
          };
          const text = stringify(written);
          const source = { file: "test", baseDir: directory, env: { ...env, CANARY: "canary" } };
          const config = await configOf(parseConfig(text, source));
          process.env["CANARY"] = "canary";
          const file = join(directory, "public.yml");
          await writeFile(file, text);
          await planTells(file);
          await rm(file);
          const service = await startInProcess(config);
          try {
            const owa = (): LiveVserver | undefined =>
              service.agent.state.vservers.find(({ vserver }) => vserver === "v_owa");
            await sitesAreProbed(owa);
            await pagesTell(urlOf(service));
            updateZone(bind, ZONE, `update delete ${NAME}.`);
            await nameFails(owa);
          } finally {
            await service.stop();
          }
        });
      } finally {
        Reflect.deleteProperty(process.env, "CANARY");
        await bind.stop();
      }
    },
  );
});

function sitesOf(vserver: LiveVserver | undefined): Readonly<Record<string, LiveProbe>> {
  const looks = (vserver?.probes ?? []).filter(
    ({ vantage, transaction }) => vantage === "public" && transaction === "https_challenge",
  );
  return Object.fromEntries(looks.map((probe) => [probe.address ?? "", probe]));
}

function shortly(vserver: LiveVserver | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(sitesOf(vserver)).map(([address, { opinion, last }]) => [
      address,
      `${opinion} ${last?.reason ?? ""}`,
    ]),
  );
}

async function planTells(file: string): Promise<void> {
  let out = "";
  const output = {
    out(text: string) {
      out += text;
    },
    err() {
      // Nothing of it matters here.
    },
  };
  expect(await runPlan({ config: file, nsConf: null, json: true }, output)).toBe(0);
  const { probes } = JSON.parse(out) as { probes: readonly Record<string, unknown>[] };
  const rows = probes.filter(({ vantage }) => vantage === "public");
  const looks = rows.filter(({ transaction }) => transaction === "https_challenge");
  expect(looks.map(({ address }) => address).sort()).toEqual([
    "198.51.100.7",
    "2001:db8::443",
    "203.0.113.10",
    "203.0.113.11",
  ]);
  expect(looks[0]).toMatchObject({ supported: true, note: `an address of ${NAME}` });
  // A login goes to no address that only DNS vouches for.
  const logins = rows.filter(({ transaction }) => transaction === "owa_form");
  expect(logins).toHaveLength(4);
  for (const login of logins) {
    expect(login).toMatchObject({
      supported: false,
      unsupported_reason: expect.stringContaining("only to imported targets") as unknown,
    });
  }
}

async function sitesAreProbed(owa: () => LiveVserver | undefined): Promise<void> {
  const expected = [
    ["198.51.100.7", "unknown not_configured"],
    ["2001:db8::443", "up ok"],
    ["203.0.113.10", "up ok"],
    ["203.0.113.11", "down refused"],
  ];
  await until(
    "every site has its own result; nothing maps the first: the lab goes nowhere else",
    () => Object.entries(shortly(owa())).sort(),
    (seen) => JSON.stringify(seen) === JSON.stringify(expected),
    90_000,
  );
  const site = sitesOf(owa())["203.0.113.10"];
  expect(site?.last?.tls).toMatchObject({ serverName: NAME, verification: "ok" });
  expect(site?.last?.evidence.transcript).toContain(`Host: ${NAME}`);
  expect(owa()?.publicNames).toMatchObject([{ name: NAME, dns: "vip_and_others", unprobed: 0 }]);
  expect(owa()?.publicNames?.[0]?.addresses).toContainEqual({ address: OWA_VIP, vip: true });
}

async function pagesTell(url: string): Promise<void> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const success = metrics
    .split("\n")
    .filter((line) => /^adc_witness_probe_success\{.*https_challenge.*"public"/.test(line));
  // One series a vserver, however many sites: the worst speaks.
  expect(success).toHaveLength(1);
  expect(success[0]).toMatch(/ 0$/);
  expect(metrics).toMatch(/probe_failure_info\{.*"public",step="connect",reason="refused"\} 1\n/);

  const verdicts = (await (await fetch(`${url}/api/v1/verdicts`)).json()) as {
    vservers: readonly { vserver: string; public_names: unknown }[];
  };
  expect(verdicts.vservers.find(({ vserver }) => vserver === "v_owa")?.public_names).toMatchObject([
    { name: NAME, dns: "vip_and_others", message: null },
  ]);
  const evidence = (await (await fetch(`${url}/api/v1/evidence?vserver=v_owa`)).json()) as {
    probes: readonly { vantage: string; address: string; last: { reason: string } | null }[];
  };
  expect(evidence.probes.find(({ address }) => address === "203.0.113.11")?.last?.reason).toBe(
    "refused",
  );
  const page = await (await fetch(`${url}/vserver?adc=demo&vserver=v_owa`)).text();
  expect(page).toContain("answers with the VIP and other addresses");
  expect(page).toContain("203.0.113.11");
  expect(page).toContain("2001:db8::443");
}

async function nameFails(owa: () => LiveVserver | undefined): Promise<void> {
  await until(
    "the name's failure is the public vantage's",
    () => shortly(owa())[NAME],
    (seen) => seen === "down dns_failure",
    60_000,
  );
  expect(owa()?.publicNames).toMatchObject([{ name: NAME, dns: "dns_failure" }]);
  // DNS may be wrong for a moment only: the sites known are watched on.
  expect(Object.keys(sitesOf(owa()))).toContain("203.0.113.10");
}
