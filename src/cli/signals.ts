/** Waits for SIGTERM or SIGINT; SIGHUP in between calls `onHangup`. A second signal ends the process at once. */
export async function untilSignal(onHangup: () => void): Promise<void> {
  process.on("SIGHUP", onHangup);
  await new Promise<void>((resolve) => {
    const end = (): void => {
      process.off("SIGHUP", onHangup);
      process.off("SIGTERM", end);
      process.off("SIGINT", end);
      resolve();
    };
    process.on("SIGTERM", end);
    process.on("SIGINT", end);
  });
}
