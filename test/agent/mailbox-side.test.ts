import { describe, expect, test } from "vitest";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import { observed, smallEstate, type SmallEstate } from "./small-estate.ts";
import { accounts, aRun } from "../support/transaction-settings.ts";

const CONF = `add server ex01 10.0.0.1
add server ex02 10.0.0.2
add serviceGroup sg_imap TCP
add lb monitor m_imap TCP
add lb vserver v_imap TCP 10.0.0.100 143
bind serviceGroup sg_imap ex01 143
bind serviceGroup sg_imap ex02 143
bind serviceGroup sg_imap -monitorName m_imap
bind lb vserver v_imap sg_imap
`;
const GOOD = observed({ passed: true });
const NO_BACKEND = observed({
  passed: false,
  outcome: "failed",
  reason: "backend_unavailable",
  step: "login",
});
const REFUSED = observed({ passed: false, outcome: "refused", reason: "refused", step: "connect" });
const REJECTED = observed({
  passed: false,
  outcome: "fault",
  reason: "auth_rejected",
  step: "login",
});

function world(): SmallEstate {
  const one = smallEstate(CONF, {
    settings: {
      ...BARE_SETTINGS,
      accounts: accounts(["a", "b"]),
      runs: ["a", "b"].map((account) =>
        aRun("imap_login", { account, everyMs: 60_000, members: { ports: [143] } }),
      ),
    },
  });
  one.hear({ ex01: { state: "up" }, ex02: { state: "up" } });
  one.observe("m_imap", "ex01", GOOD);
  one.observe("m_imap", "ex02", GOOD);
  return one;
}

/** What the login of an account shows at a server, twice, as a service opinion needs. */
function login(one: SmallEstate, account: string, server: string, seen: typeof GOOD): void {
  const probe = one.state.probes.find(
    ({ id, server: at }) => at === server && id.endsWith(`imap_login ${account}`),
  );
  if (probe === undefined) {
    throw new Error(`no login of ${account} at ${server}`);
  }
  const passed = seen.outcome === "fault" ? null : seen.outcome === "match";
  one.state.recordResult(probe, seen, passed);
  one.state.recordResult(probe, seen, passed);
}

describe("login that fails behind every front end", () => {
  test("is one mailbox_side finding and no blind monitor when all servers fail it", () => {
    const one = world();
    login(one, "a", "ex01", NO_BACKEND);
    login(one, "a", "ex02", NO_BACKEND);
    one.state.evaluateAll();
    expect(one.state.findings).toMatchObject([
      { account: "a", transactions: ["imap_login"], reason: "backend_unavailable" },
    ]);
    expect(one.state.members.map(({ verdict }) => verdict)).toEqual(["agree_up", "agree_up"]);
    login(one, "a", "ex01", GOOD);
    one.state.evaluateAll();
    expect(one.state.findings).toEqual([]);
  });

  test("is the front end's blind_monitor when only one server fails it", () => {
    const one = world();
    login(one, "a", "ex01", NO_BACKEND);
    login(one, "a", "ex02", GOOD);
    one.state.evaluateAll();
    expect(one.state.findings).toEqual([]);
    expect(one.member("ex01").verdict).toBe("blind_monitor");
  });

  test("is no mailbox_side finding when connections are refused", () => {
    const one = world();
    login(one, "a", "ex01", REFUSED);
    login(one, "a", "ex02", REFUSED);
    one.state.evaluateAll();
    expect(one.state.findings).toEqual([]);
    expect(one.state.members.map(({ verdict }) => verdict)).toEqual([
      "blind_monitor",
      "blind_monitor",
    ]);
  });
});

describe("mailbox server named by front ends", () => {
  const pointing = (backendServer: string) => ({ ...NO_BACKEND, backendServer });

  test.each([
    ["of one name", "mbx01.example.com", "mbx01.example.com", " ex01, ex02: to mbx01.example.com."],
    ["of two", "mbx02", "mbx01", " ex02: to mbx01. ex01: to mbx02."],
  ])("is reported when failing answers name it: %s", (_name, first, second, words) => {
    const one = world();
    login(one, "a", "ex01", pointing(first));
    login(one, "a", "ex02", pointing(second));
    one.state.evaluateAll();
    const [finding] = one.state.findings;
    expect(finding).toMatchObject({ backendServers: [...new Set([first, second])].sort() });
    expect(finding?.message).toContain(`the mailbox side fails, not the front ends.${words}`);
  });

  test("is not reported when no failing answer names one, whatever good answers name", () => {
    const one = world();
    login(one, "a", "ex01", NO_BACKEND);
    login(one, "a", "ex02", NO_BACKEND);
    login(one, "b", "ex01", { ...GOOD, backendServer: "mbx01" });
    one.state.evaluateAll();
    expect(one.state.findings).toMatchObject([{ account: "a", backendServers: [] }]);
    expect(one.state.findings[0]?.message).toMatch(/front ends\.$/);
  });
});

test("mailbox side › reports a wrong password or an unavailable database when an account is suspended and another is accepted", () => {
  const one = world();
  login(one, "a", "ex01", REJECTED);
  login(one, "b", "ex01", GOOD);
  one.state.suspendedAccounts = [{ account: "a", until: one.clock.at + 60_000 }];
  one.state.evaluateAll();
  expect(one.state.findings).toMatchObject([
    { account: "a", kind: "mailbox_side", reason: "auth_rejected" },
  ]);
  expect(one.state.findings[0]?.message).toContain(
    "its password is wrong or its mailbox database is unavailable",
  );
  one.state.suspendedAccounts = [];
  one.state.evaluateAll();
  expect(one.state.findings).toEqual([]);
});
