/** Maximum age of the last CPU-time reading: reading it costs more than most inputs do. */
const LOOK_EVERY_MS = 100;
/** For shorter waits, the CPU time is not read. */
const WORTH_ASKING_MS = 100;

interface Mark {
  readonly beganMs: number;
  readonly looked: NodeJS.CpuUsage;
}

/**
 * On a busy machine any input is slow. This clock counts the CPU time of this process instead; it is too high by at
 * most the CPU time between two readings, and never more than the elapsed time.
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
