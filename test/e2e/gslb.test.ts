import { expect, test } from "vitest";
import { until, withLabAgent } from "../support/lab-agent.ts";
import { partOfDemo } from "../support/part-of-demo.ts";
import { compareWithSingleLooks, singleLook, verdictsIn } from "../support/single-looks.ts";
import type { LiveVserver } from "../../src/model/live.ts";

/** An Exchange server needs up to a minute to act upon its maintenance, whatever the scale of the lab's time. */
const DEADLINE_MS = 150_000;

test("GSLB › names the dead site that DNS returns, by maintenance and by a broken metric exchange, in the agent and in ten single looks", async () => {
  const confText = partOfDemo({ groups: ["sg_owa", "sg_imaps"] });
  await withLabAgent(
    { scenario: "gslb", confText, timeScale: 0.1 },
    async ({ lab, service, url }) => {
      const name = (vserver: string): LiveVserver | undefined =>
        service.agent.state.vservers.find((one) => one.vserver === vserver);
      /** `vip_agree_up: dc1 handed out, up; dc2 not handed out, down`. */
      const seen = (vserver: string): string => {
        const sites = (name(vserver)?.gslb?.sites ?? []).map(
          (one) =>
            `${one.site ?? ""} ${one.handedOut === true ? "" : "not "}handed out, ${one.serves}`,
        );
        return `${name(vserver)?.verdict ?? ""}: ${sites.join("; ")}`;
      };
      const site = (vserver: string) =>
        name(vserver)?.gslb?.sites.find((one) => one.site === "dc2");
      await until(
        "both sites serve and are handed out",
        () => [seen("gslb_imap"), seen("gslb_webmail")],
        (both) =>
          both.every((one) => one === "vip_agree_up: dc1 handed out, up; dc2 handed out, up"),
        DEADLINE_MS,
      );
      expect(site("gslb_imap")?.behind).toEqual({ adc: "dc2", vserver: "v_imaps" });
      for (const server of ["ex21", "ex22"]) {
        await lab.servers.get(server)?.set("all", { kind: "maintenance" });
      }
      await until(
        "IMAP leads to a site in maintenance",
        () => seen("gslb_imap"),
        (one) => one.startsWith("vip_up_members_down"),
        DEADLINE_MS,
      );
      expect(site("gslb_imap")).toMatchObject({
        handedOut: true,
        serves: "down",
        adcOpinion: "up",
      });
      await compareWithSingleLooks({ service }, (once) => {
        const looked = once.vservers.find(({ vserver }) => vserver === "gslb_imap");
        expect(looked?.verdict).toBe("vip_up_members_down");
      });
      await until(
        "the web leaves DNS by itself",
        () => seen("gslb_webmail"),
        (one) => one === "vip_agree_up: dc1 handed out, up; dc2 not handed out, down",
        DEADLINE_MS,
      );
      const row = "gs_webmail_dc2 203.0.113.10";
      await until(
        "its site is expected to be away",
        () => verdictsIn(service.agent.state).get(row),
        (verdict) => verdict === "maintenance_expected",
        DEADLINE_MS,
      );
      expect(verdictsIn(await singleLook({ service }, null)).get(row)).toBe("maintenance_expected");
      const page = (await (await fetch(url)).text()).replaceAll(/\s+/g, " ");
      expect(page).toContain(
        "NetScaler demo sends clients of imap.example.com to site dc2, which does not serve them",
      );
      const metrics = await (await fetch(`${url}/metrics`)).text();
      expect(metrics).toMatch(
        /adc_witness_gslb_site_handed_out\{adc="demo",vserver="gslb_imap",site="dc2",[^}]*\} 1/,
      );
      expect(metrics).toMatch(
        /adc_witness_gslb_site_serving\{adc="demo",vserver="gslb_imap",site="dc2",[^}]*\} 0/,
      );
      // The site's own ADC takes its servers out at last, and the other ADC does not learn of it.
      lab.adc.gslb.setExchange("dc2", false);
      lab.far?.adc.disableServer("ex21");
      lab.far?.adc.disableServer("ex22");
      await until(
        "the exchange is what went wrong",
        () => [name("gslb_imap")?.reason, site("gslb_imap")?.mep],
        ([reason, mep]) => reason === "mep_down" && mep === "down",
        DEADLINE_MS,
      );
      lab.adc.gslb.setExchange("dc2", true);
      await until(
        "DNS no longer leads there",
        () => name("gslb_imap")?.verdict,
        (verdict) => verdict === "vip_agree_up",
        DEADLINE_MS,
      );
    },
  );
}, 900_000);
