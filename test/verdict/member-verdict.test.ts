import { describe, expect, test } from "vitest";
import { memberVerdict, SERVICE_PROOFS } from "../../src/verdict/member-verdict.ts";
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
  overdue: YES_NO,
  detected: YES_NO,
  withinGrace: YES_NO,
  stable: YES_NO,
  proof: SERVICE_PROOFS,
  conclusive: YES_NO,
} as const;

/** The member's rules, line by line, with "D? x" written out as two rows. */
const TABLE = readTruthTable(`
cutOff adc                      replica      service         failing declared overdue detected withinGrace stable proof                         conclusive verdict
yes    *                        *            *               *       *        *       *        *           *      *                             *          unknown
*      unknown                  *            *               *       *        *       *        *           *      *                             *          unknown

*      out,leaving,leaving_down up           up,unknown,none *       over     *       *        *           yes    *                             *          return_overdue
*      out,leaving,leaving_down unknown      up              *       over     *       *        *           yes    *                             *          return_overdue
*      out                      up           up,unknown,none *       open     *       *        *           yes    *                             *          ready_to_return
*      out                      unknown      up              *       open     *       *        *           yes    *                             *          ready_to_return
*      out,leaving,leaving_down *            *               *       open     *       *        *           *      *                             *          drained
*      out,leaving,leaving_down up           up,unknown,none *       *        *       *        *           *      *                             *          drained_undeclared
*      out,leaving,leaving_down unknown      up              *       *        *       *        *           *      *                             *          drained_undeclared
*      out,leaving,leaving_down *            *               *       over     *       *        no          *      *                             *          maintenance_overrun
*      out,leaving,leaving_down *            *               *       no       yes     *        no          *      *                             *          maintenance_overrun
*      out,leaving,leaving_down *            *               *       *        *       *        *           *      *                             *          drained_undeclared

*      *                        unknown      unknown,none    *       *        *       no       *           *      *                             *          unknown

# up: in maintenance by the wire, or declared and not serving
*      up                       *            *               *       *        *       yes      *           *      *                             no         settling
*      up                       down         *               *       *        *       yes      yes         *      *                             *          settling
*      up                       down         *               *       *        *       yes      no          *      *                             *          routes_to_maintenance
*      up                       up,unknown   *               yes     *        *       yes      yes         *      *                             *          settling
*      up                       up,unknown   *               yes     *        *       yes      no          *      *                             *          routes_to_maintenance
*      up                       up,unknown   *               no      *        *       yes      *           *      *                             *          routes_to_maintenance
*      up                       down         *               *       open     *       no       *           *      *                             no         settling
*      up                       *            down            *       open     *       no       *           *      *                             no         settling
*      up                       down         *               *       open     *       no       yes         *      *                             *          settling
*      up                       down         *               *       open     *       no       no          *      *                             *          routes_to_maintenance
*      up                       up,unknown   down            yes     open     *       no       yes         *      *                             *          settling
*      up                       up,unknown   down            yes     open     *       no       no          *      *                             *          routes_to_maintenance
*      up                       up,unknown   down            no      open     *       no       *           *      *                             *          routes_to_maintenance
# up: otherwise
*      up                       down         up              *       *        *       *        yes         *      every_monitor,failing_monitor *          settling
*      up                       down         up              *       *        *       *        no          *      every_monitor,failing_monitor *          replica_differs
*      up                       down         *               *       *        *       *        yes         *      *                             *          settling
*      up                       down         *               *       *        *       *        no          *      *                             *          false_up
*      up                       up,unknown   down            *       *        *       *        *           *      *                             no         settling
*      up                       up,unknown   down            yes     *        *       *        yes         *      *                             *          settling
*      up                       up,unknown   down            yes     *        *       *        no          *      *                             *          blind_monitor
*      up                       up,unknown   down            no      *        *       *        *           *      *                             *          blind_monitor
*      up                       *            *               *       *        *       *        *           *      *                             *          agree_up

# down
*      down                     down,unknown *               *       over     *       yes      *           *      *                             *          maintenance_overrun
*      down                     down,unknown *               *       no       yes     yes      *           *      *                             *          maintenance_overrun
*      down                     down,unknown *               *       *        *       yes      *           *      *                             *          maintenance_expected
*      down                     up           down            *       over     *       yes      *           *      *                             *          maintenance_overrun
*      down                     up           down            *       no       yes     yes      *           *      *                             *          maintenance_overrun
*      down                     up           down            *       *        *       yes      *           *      *                             *          maintenance_expected
*      down                     down,unknown *               *       open     *       no       *           *      *                             *          maintenance_expected
*      down                     up           down            *       open     *       no       *           *      *                             *          maintenance_expected
*      down                     *            down            *       over     *       *        *           *      *                             *          maintenance_overrun
*      down                     *            down            *       no       yes     *        *           *      *                             *          maintenance_overrun
*      down                     *            down            *       *        *       *        *           *      *                             *          agree_down
*      down                     up           *               *       *        *       *        yes         *      *                             *          settling
*      down                     up           *               *       *        *       *        no          *      *                             *          false_down
*      down                     unknown      up              *       *        *       *        yes         *      every_monitor                 *          settling
*      down                     unknown      up              *       *        *       *        no          *      every_monitor                 *          false_down
*      down                     unknown      up              *       *        *       *        *           *      failing_monitor,shallower     *          unknown
*      down                     down         up              *       *        *       *        yes         *      every_monitor,failing_monitor *          settling
*      down                     down         up              *       *        *       *        no          *      every_monitor,failing_monitor *          strict_monitor
*      down                     *            *               *       over     *       *        *           *      *                             *          maintenance_overrun
*      down                     *            *               *       no       yes     *        *           *      *                             *          maintenance_overrun
*      down                     *            *               *       *        *       *        *           *      *                             *          agree_down
`);

describe("memberVerdict", () => {
  const all = combinations(DOMAIN);

  test("follows the truth table over every combination", () => {
    expect(all).toHaveLength(2 * 6 * 3 * 4 * 2 * 3 * 2 * 2 * 2 * 2 * 3 * 2);
    const wrong = all
      .map((inputs) => ({ inputs, row: matchRow(TABLE, inputs), got: memberVerdict(inputs) }))
      .filter(({ row, got }) => row?.verdict !== got);
    expect(wrong).toEqual([]);
  });

  test("uses every row of the truth table", () => {
    const used = new Set(all.map((inputs) => matchRow(TABLE, inputs)));
    expect(TABLE.rows.filter((row) => !used.has(row)).map((row) => row.text)).toEqual([]);
  });

  test("reaches every verdict", () => {
    expect(new Set(all.map(memberVerdict))).toEqual(new Set(MEMBER_VERDICTS));
  });

  test("is no false_down when a login was refused, unless another login proves the service", () => {
    const down = {
      cutOff: false,
      adc: "down",
      replica: "unknown",
      service: "up",
      failing: false,
      declared: "no",
      overdue: false,
      detected: false,
      withinGrace: false,
      stable: false,
      proof: "every_monitor",
      conclusive: true,
    } as const;
    expect(memberVerdict({ ...down, refused: "refused" })).toBe("unknown");
    expect(memberVerdict({ ...down, refused: "proven" })).toBe("strict_monitor");
    expect(memberVerdict(down)).toBe("false_down");
  });

  test("reports clients sent into maintenance regardless of declared windows", () => {
    const silenced = all.filter(
      (inputs) =>
        !inputs.cutOff &&
        inputs.adc === "up" &&
        inputs.service === "down" &&
        !inputs.withinGrace &&
        inputs.conclusive &&
        !["routes_to_maintenance", "blind_monitor", "false_up"].includes(memberVerdict(inputs)),
    );
    expect(silenced).toEqual([]);
  });
});
