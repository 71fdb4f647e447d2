import { expect, test } from "vitest";
import { clientTls } from "../../src/agent/plan/look-probes.ts";
import { proofText, BARE_SETTINGS, type PlanSettings } from "../../src/agent/plan/settings.ts";
import { planProbes } from "../../src/agent/plan/plan.ts";
import type { MemberConfig, ServerTrust, VserverConfig } from "../../src/config/schema.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import type { TlsSettings } from "../../src/model/tls-settings.ts";
import { monitorCredential } from "../support/sealed.ts";
import { accounts, aRun } from "../support/transaction-settings.ts";

const ESTATE = parseNsConf(
  [
    "add server ex01 192.0.2.11",
    "add serviceGroup sg_imaps SSL_TCP",
    "bind serviceGroup sg_imaps ex01 993",
    "add lb monitor m_pop POP3 -userName u -secure YES",
    "bind serviceGroup sg_imaps -monitorName m_pop",
    "add lb vserver v_imaps SSL_TCP 192.0.2.100 993",
    "bind lb vserver v_imaps sg_imaps",
  ].join("\n"),
  { adc: "prod" },
);
const MEMBER: MemberConfig = {
  match: "ex01:993",
  protocol: null,
  exchange: null,
  path: null,
  host: null,
};
const VSERVER: VserverConfig = { host: null, names: [], path: null, ca: null, public: [] };

interface Written {
  readonly account?: ServerTrust;
  readonly members?: readonly Partial<MemberConfig>[];
  readonly vserver?: Partial<VserverConfig>;
  readonly monitorVerify?: boolean;
  readonly host?: string;
}

/** TLS of the configured login at the member and through the VIP, and of the member's login monitor. */
function planned({ account, members = [], vserver, monitorVerify, host }: Written) {
  const credential = monitorCredential({ username: "u", password: "p" });
  const settings: PlanSettings = {
    ...BARE_SETTINGS,
    monitors: new Map([
      [
        "m_pop",
        {
          credential,
          command: null,
          ...(monitorVerify === undefined ? {} : { verify: monitorVerify }),
        },
      ],
    ]),
    members: members.map((member) => ({ ...MEMBER, ...member })),
    vservers:
      vserver === undefined ? new Map() : new Map([["v_imaps", { ...VSERVER, ...vserver }]]),
    accounts: accounts(["a"], account),
    runs: [
      aRun("imap_login", {
        account: "a",
        vantages: ["backend", "vip"],
        members: { ports: [993] },
        host: host ?? null,
      }),
    ],
  };
  const plan = planProbes(ESTATE, settings);
  const tlsOf = (kind: "monitor" | "transaction", vantage: string): TlsSettings => {
    const probe = plan.find(
      (each) =>
        each.action.kind === kind &&
        each.vantage === vantage &&
        (kind === "monitor" || each.type === "imap_login"),
    );
    const tls = probe?.action.run?.spec.tls;
    if (tls === undefined || tls === null) {
      throw new Error(`no ${kind} at ${vantage} with TLS`);
    }
    return tls;
  };
  return {
    backend: tlsOf("transaction", "backend"),
    vip: tlsOf("transaction", "vip"),
    monitor: tlsOf("monitor", "backend"),
    notes: plan.map(({ note }) => note),
  };
}

test("login TLS › requires the member's own name, and sends nothing through the VIP, when nothing is configured", () => {
  const { backend, vip, monitor } = planned({});
  expect(backend).toMatchObject({ expectedNames: ["ex01"], ca: null });
  expect(backend.proof).toEqual({ kind: "certificate" });
  expect(vip.expectedNames).toEqual([]);
  expect(proofText(vip)).toContain("never sent");
  expect(monitor).toMatchObject({ expectedNames: ["ex01"], proof: { kind: "certificate" } });
});

test("login TLS › accepts client-facing names at the VIP and at its members", () => {
  const { backend, vip } = planned({
    vserver: { host: "mail.example.com", names: ["imap.example.com"], ca: "PEM" },
  });
  expect(vip.expectedNames).toEqual(["mail.example.com", "imap.example.com"]);
  expect(backend.expectedNames).toEqual(["mail.example.com", "imap.example.com", "ex01"]);
  expect([backend.ca, vip.ca]).toEqual(["PEM", "PEM"]);
});

test("login TLS › does not require a vserver's own certificate of its members", () => {
  const { backend, vip, monitor } = planned({
    vserver: { fingerprints: ["aa"], serverName: "vip.example.com" },
  });
  expect(vip).toMatchObject({
    proof: { kind: "pinned", sha256: ["aa"] },
    expectedNames: ["vip.example.com"],
    serverName: "vip.example.com",
  });
  expect(backend.proof).toEqual({ kind: "certificate" });
  expect(monitor.proof).toEqual({ kind: "certificate" });
  expect(planned({ vserver: { verify: false } }).backend.proof).toEqual({ kind: "certificate" });
});

test("login TLS › prefers the member's or vserver's settings when the account has some too", () => {
  const account = { ca: "account", fingerprints: ["aa"], serverName: "a.example.com" };
  const members = [{ ca: "member", serverName: "m.example.com", verify: true }];
  const { backend, vip } = planned({ account, members });
  expect(backend).toMatchObject({
    ca: "member",
    proof: { kind: "certificate" },
    expectedNames: ["m.example.com"],
  });
  expect(vip).toMatchObject({ ca: "account", proof: { kind: "pinned", sha256: ["aa"] } });
});

test("login TLS › keeps a member's pinned certificate when its account has verify: false", () => {
  const { backend, vip } = planned({
    account: { verify: false },
    members: [{ fingerprints: ["bb"] }],
  });
  expect(backend.proof).toEqual({ kind: "pinned", sha256: ["bb"] });
  expect(vip.proof).toEqual({ kind: "unverified" });
});

test("login TLS › applies a monitor's verify: false to that monitor alone, without a server name of the member", () => {
  const { backend, monitor } = planned({
    monitorVerify: false,
    members: [{ serverName: "m.example.com" }],
  });
  expect(monitor).toMatchObject({ proof: { kind: "unverified" }, serverName: null });
  expect(backend.proof).toEqual({ kind: "certificate" });
});

test.each([".example.com", "*.example.com", "192.0.2.11", "-x", ""])(
  "login TLS › expects no name of the server when the server is called %j",
  (name) => {
    const estate = planned({ host: "mail.example.com" });
    expect(estate.backend.expectedNames).toEqual(["mail.example.com", "ex01"]);
    const { backend } = planned({ members: [{ host: name }] });
    expect(backend.expectedNames).toEqual(["ex01"]);
  },
);

test("plan › notes which certificate each login requires", () => {
  const { notes } = planned({ members: [{ fingerprints: ["cd".repeat(32)] }] });
  expect(notes).toContain("the password is sent only to a pinned certificate (cdcdcdcdcdcdcdcd…)");
  expect(proofText(clientTls("mail.example.com", false, "PEM", []))).toBe(
    "the password is sent only to a certificate of ca_file with mail.example.com; " +
      "otherwise set ca_file, server_name or fingerprint_sha256",
  );
});
