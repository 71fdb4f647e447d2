/** How old the last look at the processor's clock may be: asking costs more than most inputs do. */
const LOOK_EVERY_MS = 100;
/** What has waited for less is not asked about. */
const WORTH_ASKING_MS = 100;

interface Mark {
  readonly beganMs: number;
  readonly looked: NodeJS.CpuUsage;
}

/**
 * A machine that is busy with other things makes any input slow: work is what the processor did for this process since,
 * too high by at most what it did between two looks, and never more than the time that has passed.
 */
export class WorkClock {
  #looked = process.cpuUsage();
  #lookedAtMs = performance.now();

  begin(): Mark {
    const beganMs = performance.now();
    if (beganMs - this.#lookedAtMs > LOOK_EVERY_MS) {
      this.#looked = process.cpuUsage();
      this.#lookedAtMs = beganMs;
    }
    return { beganMs, looked: this.#looked };
  }

  end({ beganMs, looked }: Mark): { readonly waitedMs: number; readonly tookMs: number } {
    const waitedMs = performance.now() - beganMs;
    if (waitedMs < WORTH_ASKING_MS) {
      return { waitedMs, tookMs: waitedMs };
    }
    const { user, system } = process.cpuUsage(looked);
    return { waitedMs, tookMs: Math.min(waitedMs, (user + system) / 1_000) };
  }
}
