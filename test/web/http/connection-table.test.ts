import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import {
  createConnectionTable,
  type ConnectionLimits,
} from "../../../src/web/http/connection-table.ts";

const LIMITS: ConnectionLimits = {
  waitingPerAddress: 3,
  waiting: 5,
  answeringPerAddress: 2,
  answering: 3,
  streamingPerAddress: 6,
  streaming: 8,
};

/** What the table looks at of a socket. */
class Visitor extends EventEmitter {
  readonly localPort = 9743;
  readonly remoteAddress: string;
  readonly remotePort: number;
  destroyed = false;
  constructor(remoteAddress: string, remotePort: number) {
    super();
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
  }
  destroy(): void {
    this.destroyed = true;
    this.emit("close");
  }
}

function crowd() {
  const gaveUp: string[] = [];
  const table = createConnectionTable(LIMITS, (group) => gaveUp.push(group));
  let port = 1_024;
  const come = (address: string): Visitor => {
    port += 1;
    const visitor = new Visitor(address, port);
    table.add(visitor as unknown as Socket);
    return visitor;
  };
  return { table, come, gaveUp };
}

describe("createConnectionTable", () => {
  test("admit › closes the oldest silent connection of an address when a new one comes", () => {
    const { table, come, gaveUp } = crowd();
    const [first, second] = [come("192.0.2.1"), come("192.0.2.1")];
    const other = come("192.0.2.2");
    come("192.0.2.1");
    const newest = come("192.0.2.1");
    expect([first.destroyed, second.destroyed, newest.destroyed]).toEqual([true, false, false]);
    expect(other.destroyed).toBe(false);
    expect(gaveUp).toEqual(["192.0.2.1"]);
    expect(table.count()).toBe(4);
  });

  test("admit › counts a whole IPv6 /64 as one address", () => {
    const { come } = crowd();
    const [first] = [1, 2, 3, 4].map((host) => come(`2001:db8:0:1::${String(host)}`));
    expect(first?.destroyed).toBe(true);
    expect(come("2001:db8:0:2::1").destroyed).toBe(false);
  });

  test("admit › closes connections that never asked before those idle between two requests", () => {
    const { table, come } = crowd();
    const scraper = come("192.0.2.1");
    table.setState(scraper, "answering");
    table.setState(scraper, "idle");
    const silent = Array.from({ length: 20 }, () => come("192.0.2.1"));
    expect(scraper.destroyed).toBe(false);
    expect(silent.filter(({ destroyed }) => !destroyed)).toHaveLength(2);
  });

  test("admit › closes one of the fullest address when all together are too many", () => {
    const { come } = crowd();
    const few = come("192.0.2.1");
    const many = [come("192.0.2.2"), come("192.0.2.2"), come("192.0.2.2")];
    come("192.0.2.3");
    come("192.0.2.4");
    expect(few.destroyed).toBe(false);
    expect(many.map(({ destroyed }) => destroyed)).toEqual([true, false, false]);
  });

  test("enter › bounds connections being answered and closes the slowest reader first", () => {
    const { table, come } = crowd();
    const takers = [come("192.0.2.1"), come("192.0.2.1"), come("192.0.2.1")];
    for (const taker of takers) {
      table.setState(taker, "answering");
    }
    expect(takers.map(({ destroyed }) => destroyed)).toEqual([true, false, false]);
  });

  test("enter › counts event streams apart from other connections", () => {
    const { table, come } = crowd();
    const streams = Array.from({ length: 6 }, () => {
      const one = come("192.0.2.1");
      table.setState(one, "answering");
      table.setState(one, "streaming");
      return one;
    });
    expect(streams.some(({ destroyed }) => destroyed)).toBe(false);
    expect(come("192.0.2.1").destroyed).toBe(false);
    expect(table.count()).toBe(7);
  });

  test("enter › bounds event streams by address, and by the fullest address in total", () => {
    const { table, come } = crowd();
    const stream = (address: string): Visitor => {
      const one = come(address);
      table.setState(one, "answering");
      table.setState(one, "streaming");
      return one;
    };
    const kept = stream("192.0.2.2");
    const many = Array.from({ length: 7 }, () => stream("192.0.2.1"));
    expect(many.map(({ destroyed }) => destroyed).indexOf(false)).toBe(1);
    const others = [stream("192.0.2.3"), stream("192.0.2.4")];
    expect(many.map(({ destroyed }) => destroyed).indexOf(false)).toBe(2);
    expect([kept, ...others].some(({ destroyed }) => destroyed)).toBe(false);
  });

  test("close › frees its place in any state", () => {
    const { table, come } = crowd();
    const visitors = [come("192.0.2.1"), come("192.0.2.2"), come("192.0.2.3")];
    table.setState(visitors[0] as unknown as Socket, "answering");
    table.setState(visitors[1] as unknown as Socket, "streaming");
    for (const visitor of visitors) {
      visitor.destroy();
      table.setState(visitor, "idle");
    }
    expect(table.count()).toBe(0);
  });
});
