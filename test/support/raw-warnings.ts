import { setImmediate as nextTurn } from "node:timers/promises";

/** Runs something, and tells which warnings the process would have printed on its own account meanwhile. */
export async function rawWarnings<Value>(
  work: () => Promise<Value>,
): Promise<{ value: Value; warnings: readonly string[] }> {
  const warnings: string[] = [];
  const note = ({ message }: Error): void => {
    warnings.push(message);
  };
  process.on("warning", note);
  try {
    const value = await work();
    // Node tells of a warning on its next tick.
    await nextTurn();
    return { value, warnings };
  } finally {
    process.off("warning", note);
  }
}
