import { describe, expect, test } from "vitest";
import { memberVerdict } from "../../src/verdict/member-verdict.ts";
import { ADC_OPINIONS, MEMBER_VERDICTS } from "../../src/model/verdicts.ts";
import { combinations, matchRow, readTruthTable } from "./truth-table.ts";

const YES_NO = [true, false] as const;
const DOMAIN = {
  cutOff: YES_NO,
  adc: ADC_OPINIONS,
  replica: ["up", "down", "unknown"],
  service: ["up", "down", "unknown", "none"],
  failing: YES_NO,
  declared: ["no", "open", "over"],
  detected: YES_NO,
  withinGrace: YES_NO,
  stable: YES_NO,
} as const;

/** The member's rules, line by line, with "D? x" written out as two rows. */
const TABLE = readTruthTable(`
cutOff adc                      replica      service           failing declared detected withinGrace stable verdict
yes    *                        *            *                 *       *        *        *           *      unknown
*      unknown                  *            *                 *       *        *        *           *      unknown

*      out,leaving,leaving_down up           up,unknown,none   *       over     *        *           yes    return_overdue
*      out,leaving,leaving_down unknown      up                *       over     *        *           yes    return_overdue
*      out                      up           up,unknown,none   *       open     *        *           yes    ready_to_return
*      out                      unknown      up                *       open     *        *           yes    ready_to_return
*      out,leaving,leaving_down *            *                 *       open     *        *           *      drained
*      out,leaving,leaving_down *            *                 *       *        *        *           *      drained_undeclared

*      *                        unknown      unknown,none      *       *        no       *           *      unknown

# up: in maintenance by the wire, or declared and not serving
*      up                       down         *                 *       *        yes      yes         *      settling
*      up                       down         *                 *       *        yes      no          *      routes_to_maintenance
*      up                       up,unknown   *                 yes     *        yes      yes         *      settling
*      up                       up,unknown   *                 yes     *        yes      no          *      routes_to_maintenance
*      up                       up,unknown   *                 no      *        yes      *           *      routes_to_maintenance
*      up                       down         *                 *       open     no       yes         *      settling
*      up                       down         *                 *       open     no       no          *      routes_to_maintenance
*      up                       up,unknown   down              yes     open     no       yes         *      settling
*      up                       up,unknown   down              yes     open     no       no          *      routes_to_maintenance
*      up                       up,unknown   down              no      open     no       *           *      routes_to_maintenance
# up: otherwise
*      up                       down         up                *       *        *        yes         *      settling
*      up                       down         up                *       *        *        no          *      replica_differs
*      up                       down         down,unknown,none *       *        *        yes         *      settling
*      up                       down         down,unknown,none *       *        *        no          *      false_up
*      up                       up,unknown   down              yes     *        *        yes         *      settling
*      up                       up,unknown   down              yes     *        *        no          *      blind_monitor
*      up                       up,unknown   down              no      *        *        *           *      blind_monitor
*      up                       *            *                 *       *        *        *           *      agree_up

# down
*      down                     down,unknown *                 *       *        yes      *           *      maintenance_expected
*      down                     up           down              *       *        yes      *           *      maintenance_expected
*      down                     down,unknown *                 *       open     no       *           *      maintenance_expected
*      down                     up           down              *       open     no       *           *      maintenance_expected
*      down                     *            down              *       *        *        *           *      agree_down
*      down                     up           *                 *       *        *        yes         *      settling
*      down                     up           *                 *       *        *        no          *      false_down
*      down                     unknown      up                *       *        *        yes         *      settling
*      down                     unknown      up                *       *        *        no          *      false_down
*      down                     down         up                *       *        *        yes         *      settling
*      down                     down         up                *       *        *        no          *      strict_monitor
*      down                     *            *                 *       *        *        *           *      agree_down
`);

describe("memberVerdict", () => {
  const all = combinations(DOMAIN);

  test("follows the table over every combination", () => {
    expect(all).toHaveLength(2 * 6 * 3 * 4 * 2 * 3 * 2 * 2 * 2);
    const wrong = all
      .map((inputs) => ({ inputs, row: matchRow(TABLE, inputs), got: memberVerdict(inputs) }))
      .filter(({ row, got }) => row?.verdict !== got);
    expect(wrong).toEqual([]);
  });

  test("needs every row of the table", () => {
    const used = new Set(all.map((inputs) => matchRow(TABLE, inputs)));
    expect(TABLE.rows.filter((row) => !used.has(row)).map((row) => row.text)).toEqual([]);
  });

  test("reaches every verdict", () => {
    expect(new Set(all.map(memberVerdict))).toEqual(new Set(MEMBER_VERDICTS));
  });

  test("no window ever silences clients sent into maintenance", () => {
    const silenced = all.filter(
      (inputs) =>
        !inputs.cutOff &&
        inputs.adc === "up" &&
        inputs.service === "down" &&
        !inputs.withinGrace &&
        !["routes_to_maintenance", "blind_monitor", "false_up"].includes(memberVerdict(inputs)),
    );
    expect(silenced).toEqual([]);
  });
});
