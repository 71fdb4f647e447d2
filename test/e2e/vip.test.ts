import { expect, test } from "vitest";
import { labCertificate } from "../../lab/certificates/lab-certificate.ts";
import type { LiveVserver } from "../../src/model/live.ts";
import { until, withLabAgent, type LabAgent } from "../support/lab-agent.ts";
import { partOfDemo } from "../support/part-of-demo.ts";

const LIMIT = { timeout: 400_000 };

function vserverOf({ service }: LabAgent, name: string): LiveVserver {
  const found = service.agent.state.vservers.find((each) => each.vserver === name);
  if (found === undefined) {
    throw new Error(`no vserver ${name}`);
  }
  return found;
}

async function becomes(world: LabAgent, name: string, verdict: string, deadlineMs: number) {
  await until(
    `${name} is ${verdict}`,
    () => {
      const { vip, verdict: now, reason, adcOpinion, servedBy } = vserverOf(world, name);
      return { verdict: now, reason, vip, adcOpinion, servedBy: [...servedBy] };
    },
    (seen) => seen.verdict === verdict,
    deadlineMs,
  );
}

test.concurrent(
  "vip › is vip_served_by_drained_server when a server in maintenance still answers",
  LIMIT,
  async () => {
    const confText = partOfDemo({ groups: ["sg_owa"] });
    await withLabAgent({ confText }, async (world) => {
      const { lab, url, service } = world;
      await becomes(world, "v_owa", "vip_agree_up", 90_000);
      // The NetScaler's monitoring stands still, so that it never hears of the maintenance.
      lab.adc.setMonitorEngine(true, ({ server }) => server === "ex02");
      await lab.servers.get("ex02")?.set("all", { kind: "maintenance" });
      await becomes(world, "v_owa", "vip_served_by_drained_server", 110_000);
      const ex02 = service.agent.state.members.find(({ server }) => server === "ex02");
      expect(ex02?.verdict).toBe("routes_to_maintenance");
      expect(vserverOf(world, "v_owa").servedBy.get("ex02")).toBeGreaterThanOrEqual(2);
      const metrics = await (await fetch(`${url}/metrics`)).text();
      expect(metrics).toMatch(/adc_witness_vserver_mismatch\{[^}]*vserver="v_owa"[^}]*\} 1\n/);

      // When no client is sent there any more, the verdict ends at once.
      lab.adc.disableServer("ex02");
      await lab.servers.get("ex02")?.set("all", { kind: "healthy" });
      lab.adc.setMonitorEngine(false);
      lab.adc.enableServer("ex02");
      await becomes(world, "v_owa", "vip_agree_up", 60_000);
    });
  },
);

test.concurrent(
  "vip › is vip_wrong_certificate when it shows another certificate than the bound one",
  LIMIT,
  async () => {
    const confText = partOfDemo({ groups: ["sg_imap"] });
    await withLabAgent({ confText }, async (world) => {
      await becomes(world, "v_imap_offload", "vip_agree_up", 90_000);
      world.lab.adc.setCertificate("v_imap_offload", {
        certificate: labCertificate("other").certificate,
        key: labCertificate("other").key,
      });
      await becomes(world, "v_imap_offload", "vip_wrong_certificate", 90_000);
      world.lab.adc.setCertificate("v_imap_offload", labCertificate("mail"));
      await becomes(world, "v_imap_offload", "vip_agree_up", 90_000);
    });
  },
);

test.concurrent(
  "vip › is vip_down_members_up when it has no certificate and its members are well",
  LIMIT,
  async () => {
    const confText = partOfDemo({ groups: ["sg_owa"] }).replace(
      "bind ssl vserver v_owa -certkeyName mail.example.com\n",
      "",
    );
    await withLabAgent({ confText }, async (world) => {
      await becomes(world, "v_owa", "settling", 90_000);
      await becomes(world, "v_owa", "vip_down_members_up", 90_000);
      expect(vserverOf(world, "v_owa")).toMatchObject({ adcOpinion: "down", vip: "down" });
      expect(world.service.agent.state.members.map(({ verdict }) => verdict)).toEqual([
        "agree_up",
        "agree_up",
        "agree_up",
      ]);
    });
  },
);

test.concurrent(
  "vip › reports login schemes when one server alone offers others",
  LIMIT,
  async () => {
    const confText = partOfDemo({ groups: ["sg_ews"] });
    await withLabAgent({ confText }, async (world) => {
      const odd = () => vserverOf(world, "v_ews").oddSchemes ?? null;
      await until("all alike", odd, (seen) => seen?.length === 0, 90_000);
      await world.lab.servers
        .get("ex02")
        ?.set("https", { kind: "auth_schemes", schemes: ["Negotiate"] });
      await until("ex02 differs", odd, (seen) => seen?.length === 1, 90_000);
      expect(odd()).toMatchObject([{ server: "ex02", port: 443, offers: "negotiate" }]);
      const metrics = await (await fetch(`${world.url}/metrics`)).text();
      expect(metrics).toMatch(/adc_witness_auth_schemes_differ\{[^}]*vserver="v_ews"[^}]*\} 1\n/);
      const page = await (await fetch(`${world.url}/`)).text();
      expect(page).toContain("Servers behind v_ews offer different login schemes");
    });
  },
);
