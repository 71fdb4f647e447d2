import { expect, test } from "vitest";
import { StorageWatch } from "../../src/lib/durable-file.ts";

function watched() {
  const lines: string[] = [];
  const log = {
    warn: (_fields: object, message: string) => void lines.push(message),
    error: (_fields: object, message: string) => void lines.push(message),
  };
  return { lines, watch: new StorageWatch(log) };
}

test("StorageWatch › counts every failed write and logs each change once", () => {
  const { lines, watch } = watched();
  const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  watch.refused("/state/a.json", full);
  watch.refused("/state/a.json", full);
  watch.refused("/state/b.json", "EROFS");
  watch.written("/state/b.json");
  expect(watch.health).toEqual({
    writable: false,
    writeErrors: 3,
    problems: ["/state/a.json cannot be written: ENOSPC"],
  });
  watch.written("/state/a.json");
  expect(watch.health).toEqual({ writable: true, writeErrors: 3, problems: [] });
  expect(lines).toHaveLength(4);
});

test("StorageWatch › remembers a limited number of quarantined files", () => {
  const { watch } = watched();
  for (let count = 0; count < 50; count += 1) {
    watch.reportQuarantined(`/state/${String(count)}`, "/state/aside", "damaged", "begins anew");
  }
  expect(watch.health.problems).toHaveLength(10);
  expect(watch.health.problems.at(-1)).toBe(
    "/state/49 was damaged and was renamed to /state/aside: begins anew",
  );
  expect(watch.health.writable).toBe(true);
});
