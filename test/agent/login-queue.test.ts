import { expect, test } from "vitest";
import { LoginQueue, type LoginTurn } from "../../src/agent/accounts/login-queue.ts";

/** The places that joined, by whether each is first now. */
function firstOf(turns: Readonly<Record<string, LoginTurn>>): readonly string[] {
  return Object.keys(turns).filter((place) => turns[place]?.isFirst());
}

test("login queue › lets the one that has waited longest go first", async () => {
  const queue = new LoginQueue();
  const ex01 = queue.join("probe", "ex01", 1);
  const vip = queue.join("probe", "vip", 2);
  const ex02 = queue.join("probe", "ex02", 3);
  expect(firstOf({ ex01, vip, ex02 })).toEqual(["ex01"]);
  ex01.leave(true);
  await vip.first;
  expect(firstOf({ ex01, vip, ex02 })).toEqual(["vip"]);
  vip.leave(true);
  await ex02.first;
  expect(firstOf({ ex01, vip, ex02 })).toEqual(["ex02"]);
});

test("login queue › keeps the place of a login that gave up, behind the one that asks now", () => {
  const queue = new LoginQueue();
  queue.join("probe", "vip", 1).leave(false);
  const ex01 = queue.join("probe", "ex01", 2);
  const ex02 = queue.join("probe", "ex02", 3);
  const vip = queue.join("probe", "vip", 4);
  expect(firstOf({ ex01, ex02, vip })).toEqual(["ex01"]);
  ex01.leave(true);
  expect(firstOf({ ex01, ex02, vip })).toEqual(["vip"]);
});

test("login queue › puts a login that has run behind the others", () => {
  const queue = new LoginQueue();
  queue.join("probe", "vip", 1).leave(true);
  const ex01 = queue.join("probe", "ex01", 2);
  const ex02 = queue.join("probe", "ex02", 3);
  const vip = queue.join("probe", "vip", 4);
  ex01.leave(true);
  expect(firstOf({ ex01, ex02, vip })).toEqual(["ex02"]);
});

test("login queue › keeps accounts apart, and is not blocked by a login that gives up in the middle", () => {
  const queue = new LoginQueue();
  const ex01 = queue.join("probe", "ex01", 1);
  const ex02 = queue.join("probe", "ex02", 2);
  const ex03 = queue.join("probe", "ex03", 3);
  const other = queue.join("monitor", "ex01", 4);
  ex02.leave(false);
  ex02.leave(false);
  ex01.leave(false);
  expect(firstOf({ ex01, ex02, ex03, other })).toEqual(["ex03", "other"]);
});
