/** What Node's timers can last, 24.8 days in milliseconds: one that is set for longer fires at once (Node docs, Timers). */
export const MAX_TIMER_MS = 0x7fff_ffff;

export interface Timer {
  /** Any number of calls, also after it has fired. */
  readonly cancel: () => void;
}

/**
 * Calls `work` once after `delayMs` milliseconds, however many those are. For every delay that comes from a configuration,
 * a command line or another machine.
 */
export function startTimer(delayMs: number, work: () => void): Timer {
  const dueAt = performance.now() + delayMs;
  let timer = setTimeout(onTimeout, Math.min(delayMs, MAX_TIMER_MS));
  function onTimeout(): void {
    const leftMs = delayMs > MAX_TIMER_MS ? dueAt - performance.now() : 0;
    if (leftMs > 0) {
      timer = setTimeout(onTimeout, Math.min(leftMs, MAX_TIMER_MS));
    } else {
      work();
    }
  }
  return {
    cancel: () => {
      clearTimeout(timer);
    },
  };
}

/** Resolves after `delayMs` milliseconds, however many those are, or as soon as the signal is aborted. */
export async function pause(delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) {
    return;
  }
  await new Promise<void>((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = startTimer(delayMs, end);
    signal?.addEventListener("abort", end, { once: true });
  });
}
