/**
 * Starts something at a constant rate for some time, overdue starts immediately, and waits for the last to end. Returns
 * the number of starts. `start` must not reject. `tickMs`: starts are aligned to ticks of this length; default: not
 * aligned.
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
