import { describe, expect, test } from "vitest";
import { ADC_OPINIONS, VSERVER_VERDICTS } from "../../src/model/verdicts.ts";
import {
  loginVserverVerdict,
  vserverVerdict,
  vserverVerdictReason,
} from "../../src/verdict/vserver-verdict.ts";
import { combinations, matchRow, readTruthTable } from "./truth-table.ts";

const YES_NO = [true, false] as const;
const DOMAIN = {
  cutOff: YES_NO,
  hasAdc: YES_NO,
  redirect: ["none", "as_configured", "differs", "unseen"],
  adc: ADC_OPINIONS,
  vip: ["up", "down", "protected", "none", "unknown"],
  really: ["some", "none", "unknown"],
  servedByDrained: YES_NO,
  wrongCertificate: YES_NO,
  backupActive: YES_NO,
  withinGrace: YES_NO,
  login: ["none", "given", "confirming", "broken"],
  refusesUs: YES_NO,
} as const;

const TABLE = readTruthTable(`
cutOff hasAdc redirect      adc     vip          really  servedByDrained wrongCertificate backupActive withinGrace login   refusesUs  verdict
yes    *      *             *       *            *       *               *                *            *           *       *          unknown
*      no     *             *       *            *       *               *                *            *           *       *          unknown
*      *      as_configured *       *            *       *               *                *            *           *       *          vip_agree_up
*      *      differs       *       *            *       *               *                *            *           *       *          vip_down_members_up
*      *      unseen        *       *            *       *               *                *            *           *       *          unknown
*      *      none          out     up           *       *               *                *            *           *       *          unknown
*      *      none          out     *            *       *               *                *            *           *       *          vip_agree_down
*      *      none          unknown none,unknown *       *               *                *            *           *       *          unknown
*      *      none          *       *            *       yes             *                *            *           *       *          vip_served_by_drained_server
*      *      none          *       *            *       no              yes              *            *           *       *          vip_wrong_certificate
*      *      none          *       *            *       no              no               yes          *           *       *          vip_backup_active
*      *      none          up * some,unknown * * * * * yes unknown
*      *      none          leaving,leaving_down,unknown * * * * * * * yes unknown
*      *      none          up,leaving,leaving_down,unknown * some,unknown * * * * broken                                  *          vip_login_broken
*      *      none          up,leaving,leaving_down,unknown * some,unknown * * * * confirming                              *          settling
*      *      none          up,leaving,leaving_down,unknown protected some,unknown * * * * given                           *          unknown
*      *      none          up,leaving,leaving_down,unknown protected some,unknown * * * * none                            *          vip_protected
*      *      none          *       down         some    *               *                *            yes         *       *          settling
*      *      none          *       down         some    *               *                *            no          *       *          vip_down_members_up
*      *      none          down    *            some    *               *                *            yes         *       *          settling
*      *      none          down    *            some    *               *                *            no          *       *          vip_down_members_up
*      *      none          *       up           none    *               *                *            yes         *       *          settling
*      *      none          *       up           none    *               *                *            no          *       *          unknown
*      *      none          up      *            none    *               *                *            yes         *       *          settling
*      *      none          up      *            none    *               *                *            no          *       *          vip_up_members_down
*      *      none          *       none,unknown unknown *               *                *            *           *       *          unknown
*      *      none          down    *            *       *               *                *            *           *       *          vip_agree_down
*      *      none          *       down         *       *               *                *            *           *       *          vip_agree_down
*      *      none          *       *            *       *               *                *            *           *       *          vip_agree_up
`);

test("loginVserverVerdict › follows the truth table over every combination", () => {
  const { cutOff, hasAdc, adc, vip, wrongCertificate, withinGrace } = DOMAIN;
  const table = readTruthTable(`
cutOff hasAdc adc      vip  wrongCertificate withinGrace verdict
yes    *      *        *    *                *           unknown
*      no     *        *    *                *           unknown
*      *      down,out up   *                *           unknown
*      *      down,out *    *                *           vip_agree_down
*      *      *        *    yes              *           vip_wrong_certificate
*      *      *        down *                yes         settling
*      *      *        down *                no          vip_login_broken
*      *      *        up   *                *           vip_agree_up
*      *      *        *    *                *           unknown
`);
  const all = combinations({ cutOff, hasAdc, adc, vip, wrongCertificate, withinGrace });
  const rows = all.map((inputs) => matchRow(table, inputs));
  expect(all.map(loginVserverVerdict)).toEqual(rows.map((row) => row?.verdict));
  expect(table.rows.filter((row) => !rows.includes(row))).toEqual([]);
});

describe("vserverVerdict", () => {
  const all = combinations(DOMAIN);

  test("follows the truth table over every combination", () => {
    expect(all).toHaveLength(2 * 2 * 4 * 6 * 5 * 3 * 2 * 2 * 2 * 2 * 4 * 2);
    const wrong = all
      .map((inputs) => ({ inputs, row: matchRow(TABLE, inputs), got: vserverVerdict(inputs) }))
      .filter(({ row, got }) => row?.verdict !== got);
    expect(wrong).toEqual([]);
  });

  test("uses every row of the truth table", () => {
    const used = new Set(all.map((inputs) => matchRow(TABLE, inputs)));
    expect(TABLE.rows.filter((row) => !used.has(row)).map((row) => row.text)).toEqual([]);
  });

  test("reaches every verdict", () => {
    expect(new Set(all.map(vserverVerdict))).toEqual(
      new Set(VSERVER_VERDICTS.filter((verdict) => verdict !== "vip_site_withheld")),
    );
  });

  test("is unknown by agent_path when the VIP answers with no reachable member", () => {
    const answered = {
      cutOff: false,
      hasAdc: true,
      redirect: "none",
      adc: "up",
      vip: "up",
      really: "none",
      servedByDrained: false,
      wrongCertificate: false,
      backupActive: false,
      withinGrace: false,
      login: "none",
      refusesUs: false,
    } as const;
    expect(vserverVerdict(answered)).toBe("unknown");
    expect(vserverVerdictReason(answered)).toBe("agent_path");
    expect(vserverVerdictReason({ ...answered, vip: "down" })).toBeNull();
    expect(vserverVerdictReason({ ...answered, cutOff: true })).toBeNull();
    expect(vserverVerdictReason({ ...answered, hasAdc: false })).toBe("not_configured");
  });

  test("is unknown by agent_path when the ADC is configured to refuse the agent", () => {
    const refused = {
      cutOff: false,
      hasAdc: true,
      redirect: "none",
      adc: "up",
      vip: "unknown",
      really: "some",
      servedByDrained: false,
      wrongCertificate: false,
      backupActive: false,
      withinGrace: false,
      login: "none",
      refusesUs: true,
    } as const;
    expect([vserverVerdict(refused), vserverVerdictReason(refused)]).toEqual([
      "unknown",
      "agent_path",
    ]);
    expect(vserverVerdict({ ...refused, adc: "down" })).toBe("vip_down_members_up");
    expect(vserverVerdict({ ...refused, really: "none" })).toBe("vip_up_members_down");
  });
});
