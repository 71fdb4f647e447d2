import { describe, expect, test } from "vitest";
import { observed, smallEstate, type SmallEstate } from "./small-estate.ts";

const CONF = `add server ex01 10.0.0.1
add server ex02 10.0.0.2
add server ex03 10.0.0.3
add serviceGroup sg HTTP
add lb monitor m HTTP -httpRequest "GET /" -interval 5 -resptimeout 2
add lb vserver v HTTP 10.0.0.100 80
bind serviceGroup sg ex01 80
bind serviceGroup sg ex02 80
bind serviceGroup sg ex03 80
bind serviceGroup sg -monitorName m
bind lb vserver v sg
`;
const DAY_MS = 24 * 3_600_000;

function world(): SmallEstate & { readonly says: (server: string, name: string | null) => void } {
  const estate = smallEstate(CONF);
  return {
    ...estate,
    says: (server, name) => {
      estate.observe("m", server, observed({ passed: true, servedBy: name }));
    },
  };
}

describe("ServerNames", () => {
  test("serverOf › finds a server with and without its domain, at its own ADC", () => {
    const { says, state } = world();
    says("ex01", "ex01.example.com");
    expect(state.names.serverOf("prod", "ex01")).toBe("ex01");
    expect(state.names.serverOf("prod", "EX01.example.com")).toBe("ex01");
    expect(state.names.serverOf("other", "ex01")).toBeNull();
    expect(state.names.serverOf("prod", "ex02.example.com")).toBeNull();
  });

  test("serverOf › finds none while two servers claim a name, and the owner again when the other stops", () => {
    const { says, state } = world();
    says("ex02", "ex02");
    says("ex03", "ex02");
    expect(state.names.serverOf("prod", "ex02")).toBeNull();
    says("ex03", "ex03");
    expect(state.names.serverOf("prod", "ex02")).toBe("ex02");
    expect(state.names.serverOf("prod", "ex03")).toBe("ex03");
  });

  test("serverOf › gives a name to the server that repeats its claim when the other's is not repeated", () => {
    const { says, state, clock } = world();
    says("ex02", "ex02");
    says("ex03", "ex02");
    says("ex03", null);
    expect(state.names.serverOf("prod", "ex02")).toBe("ex02");
    says("ex03", "ex02");
    expect(state.names.serverOf("prod", "ex02")).toBeNull();
    clock.at += 15_001;
    says("ex02", "ex02");
    expect(state.names.serverOf("prod", "ex02")).toBe("ex02");
  });

  test("serverOf › keeps a silent server's name for a day", () => {
    const { says, state, clock } = world();
    says("ex02", "ex02");
    clock.at += DAY_MS;
    expect(state.names.serverOf("prod", "ex02")).toBe("ex02");
    clock.at += 1;
    expect(state.names.serverOf("prod", "ex02")).toBeNull();
  });

  test("hear › keeps one place for a server that gives another name each time", () => {
    const { says, state } = world();
    for (let turn = 0; turn < 1_000; turn++) {
      says("ex01", `name-${String(turn)}.example.com`);
    }
    expect(state.names.size).toBe(2);
    expect(state.names.serverOf("prod", "name-0")).toBeNull();
    expect(state.names.serverOf("prod", "name-999")).toBe("ex01");
  });
});
