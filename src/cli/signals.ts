/** Why a command that runs until it is ended has ended. */
export type Ending =
  | { readonly kind: "asked" }
  /** A mistake of our own that nothing caught. */
  | { readonly kind: "broken"; readonly error: unknown };

/** Signals of one command, listened to from the moment this is made. */
export interface Signals {
  /**
   * Resolves at the first SIGTERM or SIGINT, or at an exception that nothing caught, so that sessions are logged out on
   * that path too; a second signal ends the process at once.
   */
  readonly ended: Promise<Ending>;
  /** What SIGHUP does; nothing before it is set. */
  onHangup: () => void;
  readonly close: () => void;
}

/** Listens before anything is started, so that a signal during the start still ends in an orderly way. */
export function listenForSignals(): Signals {
  let resolveEnded: (ending: Ending) => void = () => undefined;
  const signals: Signals = {
    ended: new Promise<Ending>((resolve) => {
      resolveEnded = resolve;
    }),
    onHangup: () => undefined,
    close: () => {
      process.off("SIGHUP", hangup);
      process.off("SIGTERM", end);
      process.off("SIGINT", end);
      process.off("uncaughtException", breakOff);
    },
  };
  function hangup(): void {
    signals.onHangup();
  }
  function end(): void {
    process.off("SIGTERM", end);
    process.off("SIGINT", end);
    resolveEnded({ kind: "asked" });
  }
  function breakOff(error: unknown): void {
    resolveEnded({ kind: "broken", error });
  }
  process.on("SIGHUP", hangup);
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  process.on("uncaughtException", breakOff);
  return signals;
}

/**
 * Runs a command's work: SIGTERM and SIGINT abort the signal it is given instead of the process, so that it can log out.
 * Rejects with an exception that nothing caught meanwhile.
 */
export async function untilInterrupted<T>(
  work: (interrupted: AbortSignal) => Promise<T>,
): Promise<T> {
  const interrupted = new AbortController();
  const signals = listenForSignals();
  const ended = signals.ended.then((ending) => {
    interrupted.abort();
    return ending;
  });
  try {
    const done = await work(interrupted.signal);
    if (interrupted.signal.aborted) {
      const ending = await ended;
      if (ending.kind === "broken") {
        throw ending.error;
      }
    }
    return done;
  } finally {
    signals.close();
  }
}
