import type { ProbeRun } from "../probe-run.ts";
import type { EchoQuestion, EchoResult } from "./echo.ts";
import { EchoBatch } from "./echo-batch.ts";
import { startFping } from "./fping-process.ts";
import { pingOnce } from "./system-ping.ts";

/** Echoes that begin within this time are asked by one process. */
const GATHER_MS = 20;
/** How long fping may take to hear this host itself. */
const TRIAL_MS = 250;
/** An fping that is missing or deaf is tried again after this time. */
const TRY_AGAIN_MS = 60_000;
const OWN_ADDRESS = { 4: "127.0.0.1", 6: "::1" } as const;

interface Trial {
  readonly hears: Promise<boolean>;
  /** Null: under way. */
  verdict: boolean | null;
  triedAt: number;
}

/**
 * PING's echoes, gathered so that one `fping` asks for all that begin together; where fping is missing or does not hear,
 * each is a `ping` of its own. One per network, shared by its probes.
 *
 * fping is believed only once it has heard this host answer itself: version 5.1 without the right to raw sockets takes
 * every answer for another program's and calls all the world unreachable.
 */
export class EchoBatches {
  readonly #program: string;
  readonly #gathering = new Map<string, EchoBatch>();
  readonly #trials = new Map<4 | 6, Trial>();

  /** `program`: the name or path of fping. */
  constructor(program = "fping") {
    this.#program = program;
  }

  async ask(run: ProbeRun, question: EchoQuestion): Promise<EchoResult> {
    if (run.interrupted !== null) {
      return run.interrupted;
    }
    const { family, address } = question;
    const trial = this.#trial(family, run.context.monotonic());
    if (trial.verdict !== false) {
      const result = await this.#batchFor(question, trial).wait(run, address);
      if (result.kind !== "unasked") {
        return result;
      }
    }
    return run.interrupted ?? pingOnce(run, question);
  }

  #batchFor({ family, localAddress }: EchoQuestion, trial: Trial): EchoBatch {
    const key = `${String(family)} ${localAddress ?? ""}`;
    const gathering = this.#gathering.get(key);
    if (gathering !== undefined && !gathering.full) {
      return gathering;
    }
    const timer = setTimeout(() => void start(), GATHER_MS);
    const batch = new EchoBatch(family, localAddress, () => {
      clearTimeout(timer);
      forget();
    });
    this.#gathering.set(key, batch);
    const forget = (): void => {
      if (this.#gathering.get(key) === batch) {
        this.#gathering.delete(key);
      }
    };
    const start = async (): Promise<void> => {
      forget();
      if (await trial.hears) {
        batch.start(this.#program);
      } else {
        batch.abandon();
      }
    };
    return batch;
  }

  #trial(family: 4 | 6, now: number): Trial {
    const known = this.#trials.get(family);
    if (known !== undefined && (known.verdict !== false || now - known.triedAt < TRY_AGAIN_MS)) {
      return known;
    }
    const trial: Trial = {
      hears: hearsItself(this.#program, family).then((hears) => (trial.verdict = hears)),
      verdict: null,
      triedAt: now,
    };
    this.#trials.set(family, trial);
    return trial;
  }
}

function hearsItself(program: string, family: 4 | 6): Promise<boolean> {
  if (process.platform === "win32") {
    return Promise.resolve(false);
  }
  return new Promise((resolve) => {
    const plan = {
      family,
      localAddress: null,
      timeoutMs: TRIAL_MS,
      addresses: [OWN_ADDRESS[family]],
    };
    startFping(program, plan, {
      line: (line) => {
        if (line.kind === "decided") {
          resolve(line.result.kind === "reply");
        }
      },
      closed: () => resolve(false),
    });
  });
}
