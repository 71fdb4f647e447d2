/**
 * Starts something at an even rate for a while, late starts at once, and waits for the last to end. Tells how many were
 * started. `start` must not reject. `tickMs`: starts are gathered, so many milliseconds to a wake-up; default: each alone.
 */
export async function pace(
  ratePerSecond: number,
  seconds: number,
  start: (index: number) => Promise<void>,
  tickMs: number = 1000 / ratePerSecond,
): Promise<number> {
  const total = Math.round(ratePerSecond * seconds);
  const began = performance.now();
  const running: Promise<void>[] = [];
  while (running.length < total) {
    const due = Math.min(total, Math.ceil(((performance.now() - began) / 1000) * ratePerSecond));
    while (running.length < due) {
      running.push(start(running.length));
    }
    await new Promise((resolve) => setTimeout(resolve, tickMs));
  }
  await Promise.all(running);
  return total;
}
