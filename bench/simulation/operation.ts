import {
  declaredFor,
  type Declared,
  declaredWindows,
  type DeclaredWindows,
} from "../../src/maintenance/declarations.ts";
import { EMPTY_STORE } from "../../src/maintenance/store.ts";
import type { Random } from "./random.ts";
import type { Truth } from "./world.ts";

/** What an administrator does to a server, at an offset from the beginning of the work. */
export interface Step {
  readonly afterMs: number;
  readonly does: "begin" | "take_out" | "break" | "mend" | "put_back" | "window_ends" | "end";
}

/** Maintenance of one server: all its members at once, with or without taking it out of the ADC and declaring it. */
export interface Operation {
  readonly breaks: Truth;
  /** The declared duration; null: undeclared. */
  readonly windowMs: number | null;
  readonly steps: readonly Step[];
}

const DRAIN_MS = 120_000;

/** Draws one maintenance: most are declared and taken out; some omit one of the two, or are not reverted in time. */
export function drawOperation(random: Random): Operation {
  const dice = random.next();
  const declared = dice < 0.7;
  const takenOut = dice < 0.45 || (dice >= 0.7 && dice < 0.9);
  const forgotten = takenOut && random.next() < 0.3;
  const brokenAt = takenOut ? DRAIN_MS : random.whole(0, 60_000);
  // A component left Inactive or a service left stopped is noticed hours later.
  const isLeft = random.next() < 0.2;
  const workMs = random.whole(300_000, 5_400_000);
  const mendedAt = brokenAt + workMs + (isLeft ? random.whole(600_000, 6 * 3_600_000) : 0);
  const windowMs = brokenAt + workMs + random.whole(60_000, isLeft ? 300_000 : 1_800_000);
  const putBackAt = windowMs + (forgotten ? 1 : -1) * random.whole(0, 50_000);
  const overdueMs = forgotten ? random.whole(600_000, 3_600_000) : 0;
  const steps: Step[] = [
    { afterMs: 0, does: "begin" },
    ...(takenOut ? [{ afterMs: 0, does: "take_out" } as const] : []),
    { afterMs: brokenAt, does: "break" },
    { afterMs: mendedAt, does: "mend" },
    { afterMs: windowMs, does: "window_ends" },
    ...(takenOut ? [{ afterMs: putBackAt + overdueMs, does: "put_back" } as const] : []),
    { afterMs: Math.max(mendedAt, windowMs, putBackAt + overdueMs) + 1_000, does: "end" },
  ];
  return {
    breaks: { condition: random.next() < 0.25 ? "dead" : "maintenance", adc: "honest" },
    windowMs: declared ? windowMs : null,
    steps: steps.sort((a, b) => a.afterMs - b.afterMs),
  };
}

/** The last declared window of each server, judged by the agent's own rules for windows. */
export class SimulatedWindows {
  readonly #byServer = new Map<string, DeclaredWindows>();
  readonly #spans = new Map<string, { readonly startAt: number; readonly endAt: number }>();

  declare(server: string, startAt: number, endAt: number): void {
    const window = {
      name: "work",
      servers: [server],
      when: { kind: "fixed", startAt, endAt } as const,
      reason: null,
      author: null,
      autoEnd: false,
      flexible: false,
    };
    this.#byServer.set(server, declaredWindows([window], EMPTY_STORE));
    this.#spans.set(server, { startAt, endAt });
  }

  /** When it was declared for, as a simulator knows it. */
  spanOf(server: string): { readonly startAt: number; readonly endAt: number } | null {
    return this.#spans.get(server) ?? null;
  }

  declaredFor(server: string, now: number, awaySince: number | null): Declared {
    const windows = this.#byServer.get(server);
    return windows === undefined
      ? { state: "no", window: null, endAt: null }
      : declaredFor(server, windows, now, awaySince);
  }
}
