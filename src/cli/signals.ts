/** Signals of one command, listened to from the moment this is made. */
export interface Signals {
  /** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. */
  readonly ended: Promise<void>;
  /** What SIGHUP does; nothing before it is set. */
  onHangup: () => void;
  readonly close: () => void;
}

/** Listens before anything is started, so that a signal during the start still ends in an orderly way. */
export function listenForSignals(): Signals {
  let resolveEnded: () => void = () => undefined;
  const signals: Signals = {
    ended: new Promise<void>((resolve) => {
      resolveEnded = resolve;
    }),
    onHangup: () => undefined,
    close: () => {
      process.off("SIGHUP", hangup);
      process.off("SIGTERM", end);
      process.off("SIGINT", end);
    },
  };
  function hangup(): void {
    signals.onHangup();
  }
  function end(): void {
    process.off("SIGTERM", end);
    process.off("SIGINT", end);
    resolveEnded();
  }
  process.on("SIGHUP", hangup);
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  return signals;
}
