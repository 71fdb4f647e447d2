import type { TransactionRunConfig } from "../../src/config/schema.ts";
import { describe, expect, test } from "vitest";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import type { Observation } from "../../src/model/observation.ts";
import type { Vantage } from "../../src/model/observation.ts";
import type { Reason } from "../../src/model/reasons.ts";
import type { TransactionName } from "../../src/model/transactions.ts";
import { accounts, aRun } from "../support/transaction-settings.ts";
import { observed, smallEstate, type SmallEstate } from "./small-estate.ts";

const CONF = `add server ex01 10.0.0.1
add server ex02 10.0.0.2
add serviceGroup sg_ews SSL
add lb monitor m_ews HTTP-ECV -send "GET /ews/healthcheck.htm" -recv "200 OK" -secure YES
add lb vserver v_ews SSL 10.0.0.100 443
bind serviceGroup sg_ews ex01 443
bind serviceGroup sg_ews ex02 443
bind serviceGroup sg_ews -monitorName m_ews
bind lb vserver v_ews sg_ews
`;

const GOOD = observed({ passed: true, exchangeSeen: true });
const GUARDED = observed({ passed: false, reason: "aaa_login" });
const fails = (reason: Reason, step: Observation["step"] = "transaction"): Observation =>
  observed({ passed: false, reason, step, login: "accepted" });
const refused = (reason: Reason, bound = false): Observation =>
  observed({
    passed: false,
    outcome: "fault",
    reason,
    step: "login",
    login: "rejected",
    ...(bound ? { channelBound: true } : {}),
  });

function run(transaction: TransactionName, account: string, vantages: readonly Vantage[]) {
  return aRun(transaction, { account, everyMs: 60_000, members: { ports: [443] }, vantages });
}

/** Two good servers behind a VIP that is UP; account a logs in through the VIP, and by `runs` elsewhere too. */
function world(runs: readonly TransactionRunConfig[] = [], look: Observation = GOOD): SmallEstate {
  const one = smallEstate(CONF, {
    settings: {
      ...BARE_SETTINGS,
      accounts: accounts(["a", "b"]),
      runs,
    },
  });
  one.hear({ ex01: { state: "up" }, ex02: { state: "up" } });
  for (const server of ["ex01", "ex02"]) {
    one.observe("m_ews", server, GOOD);
    one.observe("https_challenge", server, GOOD);
  }
  one.observe("https_challenge", "v_ews", look, 2);
  return one;
}

/** What one login shows at a place, as often as given. */
function login(
  one: SmallEstate,
  [transaction, account]: readonly [TransactionName, string],
  where: string,
  seen: Observation,
  times = 2,
): void {
  const probe = one.state.probes.find(
    (each) =>
      (each.server === where || each.vserver === where) &&
      each.transaction === transaction &&
      each.planned.action.kind === "transaction" &&
      each.planned.action.account === account,
  );
  if (probe === undefined) {
    throw new Error(`no ${transaction} of ${account} at ${where}`);
  }
  const passed = seen.outcome === "fault" ? null : seen.outcome === "match";
  for (let count = 0; count < times; count += 1) {
    one.state.recordResult(probe, { ...seen, startedAt: one.clock.at }, passed);
  }
}

function verdict(one: SmallEstate): string {
  one.state.evaluateAll();
  const { verdict: told, reason } = one.vserver("v_ews");
  return `${told} ${reason ?? "-"}`;
}

const VIP = run("ews_folder", "a", ["vip"]);
const A = ["ews_folder", "a"] as const;
const B = ["ews_folder", "b"] as const;

describe("vserver behind the ADC's login", () => {
  test("is protected when no account is configured", () => {
    expect(verdict(world([], GUARDED))).toBe("vip_protected aaa_login");
  });

  test("is unknown when an account is configured and has not logged in yet", () => {
    expect(verdict(world([VIP], GUARDED))).toBe("unknown aaa_login");
  });

  test("is up when the login works", () => {
    const one = world([VIP], GUARDED);
    login(one, A, "v_ews", observed({ passed: true, login: "accepted" }));
    expect(verdict(one)).toBe("vip_agree_up ok");
  });

  test.each<Reason>(["aaa_not_authorized", "aaa_no_target", "sso_not_passed", "second_factor"])(
    "is vip_login_broken when the login fails with %s",
    (reason) => {
      const one = world([VIP], GUARDED);
      login(one, A, "v_ews", fails(reason));
      expect(verdict(one)).toBe(`vip_login_broken ${reason}`);
      expect(one.vserver("v_ews").mismatch).toBe(true);
    },
  );

  test("is vip_login_broken after one refusal by AAA while no other login may follow", () => {
    const one = world([VIP], GUARDED);
    login(one, A, "v_ews", refused("aaa_rejected"), 1);
    expect(verdict(one)).toBe("vip_login_broken aaa_rejected");
    const probe = one.state.probes.find(({ transaction }) => transaction === "ews_folder");
    if (probe !== undefined) {
      probe.heldBack = { kind: "held_back", why: "elsewhere_first", message: null };
    }
    one.clock.at += 600_000;
    one.observe("https_challenge", "v_ews", GUARDED, 2);
    one.observe("https_challenge", "ex01", GOOD);
    expect(verdict(one)).toBe("vip_login_broken aaa_rejected");
  });

  test("is vip_login_broken when the ADC has answered two logins with an error and no third may follow", () => {
    const one = world([VIP], GUARDED);
    const failed = { ...fails("adc_error_page", "login"), login: "unanswered" } as const;
    const probe = one.state.probes.find(({ transaction }) => transaction === "ews_folder");
    const laterHeldBack = (why: "elsewhere_first" | "suspended"): string => {
      if (probe !== undefined) {
        probe.heldBack = { kind: "held_back", why, message: null };
      }
      one.clock.at += 300_000;
      one.observe("https_challenge", "v_ews", GUARDED, 2);
      one.observe("https_challenge", "ex01", GOOD);
      return verdict(one);
    };
    login(one, A, "v_ews", observed({ passed: true, login: "accepted" }), 1);
    login(one, A, "v_ews", failed, 1);
    expect(laterHeldBack("elsewhere_first")).toBe("unknown aaa_login");
    login(one, A, "v_ews", failed, 1);
    expect(laterHeldBack("suspended")).toBe("vip_login_broken adc_error_page");
  });

  test("is not vip_login_broken when a member refuses the same account", () => {
    const one = world([run("ews_folder", "a", ["vip", "backend"])], GUARDED);
    login(one, A, "ex01", refused("auth_rejected"), 1);
    login(one, A, "v_ews", refused("aaa_rejected"), 1);
    expect(verdict(one)).toBe("unknown auth_rejected");
  });
});

describe("login through a vserver", () => {
  test("is vip_login_broken when one transaction's login fails and another's works", () => {
    const one = world([VIP, run("owa_form", "a", ["vip"])]);
    login(one, ["owa_form", "a"], "v_ews", observed({ passed: true, login: "accepted" }));
    login(one, A, "v_ews", fails("post_lost"));
    expect(verdict(one)).toBe("vip_login_broken post_lost");
  });

  test("is settling until a member's login is repeated, and broken when that succeeds", () => {
    const one = world([VIP, run("ews_folder", "b", ["backend"])]);
    login(one, B, "ex01", observed({ passed: true, login: "accepted" }), 1);
    one.clock.at += 1_000;
    login(one, A, "v_ews", fails("bad_status"));
    expect(verdict(one)).toBe("settling bad_status");
    one.clock.at += 1_000;
    login(one, B, "ex01", observed({ passed: true, login: "accepted" }), 1);
    expect(verdict(one)).toBe("vip_login_broken bad_status");
  });

  test("is not held against the VIP while the member that fails alike is in service", () => {
    const one = world([VIP, run("ews_folder", "b", ["backend"])]);
    login(one, B, "ex02", fails("backend_unavailable"));
    login(one, A, "v_ews", fails("backend_unavailable"));
    expect(verdict(one)).toBe("vip_agree_up ok");
    one.hear({ ex01: { state: "up" }, ex02: { state: "down" } });
    expect(verdict(one)).toBe("vip_login_broken backend_unavailable");
  });

  test("is vip_login_broken when a large body is lost and another account's password is wrong at a member", () => {
    const one = world([VIP, run("ews_folder", "b", ["backend"])]);
    login(one, B, "ex01", refused("auth_rejected"), 1);
    login(one, A, "v_ews", fails("post_lost"));
    expect(verdict(one)).toBe("vip_login_broken post_lost");
  });

  test.each([
    [
      "channel binding refused while another account works at the servers",
      true,
      true,
      "vip_login_broken login_broken_by_adc",
    ],
    [
      "channel binding refused while no account works at the servers",
      true,
      false,
      "vip_agree_up ok",
    ],
    ["refused, perhaps because of the password", false, true, "vip_agree_up ok"],
  ])("is judged by its refusal: %s", (_when, bound, works, expected) => {
    const one = world([VIP, run("ews_folder", "b", ["backend"])]);
    if (works) {
      login(one, B, "ex01", observed({ passed: true, login: "accepted" }), 1);
    }
    login(one, A, "v_ews", refused("auth_rejected", bound), 1);
    expect(verdict(one)).toBe(expected);
  });

  test("is not broken when the connection never got as far as the login", () => {
    const one = world([VIP], observed({ passed: false, reason: "refused", step: "connect" }));
    login(one, A, "v_ews", observed({ passed: false, reason: "refused", step: "connect" }));
    one.later(600_000);
    expect(verdict(one)).toBe("vip_down_members_up refused");
  });
});

test("vip login › makes a member unknown when its configured login cannot be spoken and all else is well, until one works", () => {
  const one = world([run("ews_folder", "b", ["backend"]), run("eas_options", "a", ["backend"])]);
  const bearer = observed({ passed: false, outcome: "fault", reason: "scheme_unsupported" });
  one.observe("ews_folder", "ex01", bearer);
  expect(one.member("ex01")).toMatchObject({
    verdict: "unknown",
    reason: "scheme_unsupported",
    decidedBy: "ews_folder",
    service: "up",
    mismatch: false,
  });
  expect(one.member("ex02").verdict).toBe("agree_up");
  one.observe("eas_options", "ex01", GOOD);
  expect(one.member("ex01").verdict).toBe("agree_up");
  one.observe("eas_options", "ex01", fails("backend_unavailable"), 2);
  expect(one.member("ex01").verdict).not.toBe("unknown");
});
