import type { ServiceKind } from "./estate.ts";
import type { Random } from "./random.ts";
import { logsIn, WELL, type Truth } from "./world.ts";

/** What happens next to a member, and how long that lasts. Maintenance and faults are followed by a time of rest. */
export function nextTruth(
  truth: Truth,
  kind: ServiceKind,
  random: Random,
): { readonly truth: Truth; readonly lastsMs: number } {
  if (truth !== WELL) {
    return { truth: WELL, lastsMs: random.whole(600_000, 6 * 3_600_000) };
  }
  const dice = random.next();
  const becomes = (
    condition: Truth["condition"],
    fromMs: number,
    toMs: number,
    adc: Truth["adc"] = "honest",
  ): ReturnType<typeof nextTruth> => ({
    truth: { condition, adc },
    lastsMs: random.whole(fromMs, toMs),
  });
  if (dice < 0.3) {
    return becomes("maintenance", 120_000, 2 * 3_600_000);
  }
  if (dice < 0.48) {
    return becomes("dead", 30_000, 1_800_000, random.next() < 0.4 ? "stuck_up" : "honest");
  }
  if (dice < 0.63) {
    // A flap: back before anyone is sure.
    return becomes(random.pick(["dead", "sick", "maintenance"] as const), 1_000, 45_000);
  }
  if (dice < 0.76) {
    // A server that fails after its greeting fails at the login, if there is one.
    const isAtLogin = logsIn(kind) || (kind === "plain" && random.next() < 0.5);
    return becomes(isAtLogin ? "dead_backend" : "sick", 60_000, 1_800_000);
  }
  if (dice < 0.86 && kind !== "imap" && kind !== "plain" && !logsIn(kind)) {
    // A bare port check cannot be too strict, and only a page can be closed to a single address.
    const refused = (kind === "https" || kind === "guarded") && random.next() < 0.5;
    return becomes(refused ? "refuses_us" : "strict", 120_000, 3_600_000);
  }
  return dice < 0.96
    ? becomes("well", 60_000, 3_600_000, "stuck_down")
    : becomes("well", 900_000, 3_600_000, "flaps");
}
