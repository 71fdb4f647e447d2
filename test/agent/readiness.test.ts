import { expect, test } from "vitest";
import { BARE_SETTINGS } from "../../src/agent/plan/settings.ts";
import { readiness } from "../../src/web/routes.ts";
import { observed, smallEstate } from "./small-estate.ts";
import { monitorCredential } from "../support/sealed.ts";

/** One monitor that is run, one that is switched off at the group, and a script that nothing here stands for. */
const CONF = `
add server ex01 192.0.2.11
add lb monitor m_imap TCP-ECV -recv "* OK" -interval 5
add lb monitor m_off TCP -state DISABLED
add lb monitor m_script USER -scriptName nsx.pl -scriptArgs "a=b"
add serviceGroup sg_imap TCP
bind serviceGroup sg_imap ex01 143
bind serviceGroup sg_imap -monitorName m_imap
bind serviceGroup sg_imap -monitorName m_off
bind serviceGroup sg_imap -monitorName m_script
`;

/** A monitor that logs in. */
const LOGIN = `
add server ex01 192.0.2.11
add lb monitor m_ftp FTP -interval 5
add serviceGroup sg_ftp TCP
bind serviceGroup sg_ftp ex01 21
bind serviceGroup sg_ftp -monitorName m_ftp
`;

test("readiness › does not wait for monitors that are never run", () => {
  const estate = smallEstate(CONF);
  const never = estate.state.probes.filter(({ planned }) => planned.action.run === null);
  expect(never.map(({ monitor }) => monitor).sort()).toEqual(["m_off", "m_script"]);
  expect(readiness(estate.state)).toEqual({
    ready: false,
    detail: "1 of 1 replicas have no opinion yet",
  });
  estate.observe("m_imap", "ex01", observed({ passed: true }));
  expect(readiness(estate.state)).toEqual({ ready: true, detail: "ready" });
});

test("readiness › stays ready and says so when results have expired", () => {
  const estate = smallEstate(CONF);
  estate.observe("m_imap", "ex01", observed({ passed: true }));
  estate.clock.at += 3_600_000;
  expect(estate.probe("m_imap", "ex01").opinion).toBe("unknown");
  expect(readiness(estate.state)).toEqual({
    ready: true,
    detail: "ready; 1 of 1 replicas without an opinion: no result for three intervals",
  });
});

/** A server with a vserver whose clients stick to servers by their address. */
const STICKY = `
add server ex01 192.0.2.11
add server ex02 192.0.2.12
add lb monitor m_owa HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES
add serviceGroup sg_owa SSL
bind serviceGroup sg_owa ex01 443
bind serviceGroup sg_owa ex02 443
bind serviceGroup sg_owa -monitorName m_owa
add lb vserver v_owa SSL 192.0.2.100 443 -persistenceType SOURCEIP -timeout 2
bind lb vserver v_owa sg_owa
`;

function stickyEstate() {
  const estate = smallEstate(STICKY);
  for (const server of ["ex01", "ex02"]) {
    estate.observe("m_owa", server, observed({ passed: true }));
  }
  return estate;
}

test("readiness › reports probes that pause while a member leaves, without waiting for them", () => {
  const estate = stickyEstate();
  expect(readiness(estate.state)).toEqual({
    ready: false,
    detail: "1 of 3 replicas have no opinion yet",
  });
  estate.hear({ ex01: { state: "leaving" }, ex02: { state: "up" } });
  expect(readiness(estate.state)).toEqual({
    ready: true,
    detail:
      "ready; 1 of 3 replicas without an opinion: probes through v_owa pause until persistence sends no client to the member that is leaving",
  });
  estate.observe("m_owa", "v_owa", observed({ passed: true }));
  expect(readiness(estate.state)).toEqual({ ready: true, detail: "ready" });
});

test("readiness › is ready and says so when the agent is cut off", () => {
  const estate = stickyEstate();
  estate.state.cutOff = true;
  expect(readiness(estate.state)).toEqual({
    ready: true,
    detail:
      "ready; 1 of 3 replicas without an opinion: the agent is cut off, no control target is reachable",
  });
});

test("readiness › waits when a failure has not yet made an opinion", () => {
  const estate = smallEstate(CONF);
  estate.observe("m_imap", "ex01", observed({ passed: false }));
  expect(readiness(estate.state).ready).toBe(false);
  estate.observe("m_imap", "ex01", observed({ passed: false }), 2);
  expect(readiness(estate.state)).toEqual({ ready: true, detail: "ready" });
});

test("readiness › reports logins of a suspended account without waiting for them", () => {
  const credential = monitorCredential({ username: String.raw`LAB\probe-a`, password: "secret" });
  const monitors = new Map([["m_ftp", { credential, command: null }]]);
  const estate = smallEstate(LOGIN, { settings: { ...BARE_SETTINGS, monitors } });
  const probe = estate.probe("m_ftp", "ex01");
  expect(probe.account).toBe("monitor m_ftp");
  expect(readiness(estate.state).ready).toBe(false);
  estate.state.suspendedAccounts = [{ account: "monitor m_ftp", until: estate.clock.at + 60_000 }];
  expect(readiness(estate.state)).toEqual({
    ready: true,
    detail: "ready; 1 of 1 replicas without an opinion: logins of monitor m_ftp are suspended",
  });
});

test("readiness › reports the storage error when the state directory holds logins back", () => {
  const credential = monitorCredential({ username: "probe-a", password: "secret" });
  const monitors = new Map([["m_ftp", { credential, command: null }]]);
  const estate = smallEstate(LOGIN, { settings: { ...BARE_SETTINGS, monitors } });
  estate.probe("m_ftp", "ex01").heldBack = {
    kind: "held_back",
    why: "state_unusable",
    message: "ENOSPC: no space left on device",
  };
  expect(readiness(estate.state).detail).toContain(
    "logins of monitor m_ftp are held back: ENOSPC: no space left on device",
  );
});

test("readiness › reports why polling stopped when an ADC's account is rejected", () => {
  const estate = smallEstate(CONF);
  estate.observe("m_imap", "ex01", observed({ passed: true }));
  estate.state.addAdc("other", { nitro: true, pollMs: 15_000 });
  const stop = "stopped: wrong credentials since 2026-11-28T20:00:00.000Z (Invalid [354])";
  estate.state.setAdcLive("other", { lastError: `NITRO: ${stop}` });
  expect(readiness(estate.state)).toEqual({ ready: true, detail: `ready; other: ${stop}` });
});

test("readiness › waits for an ADC that is still to be asked and reports one that does not answer", () => {
  const estate = smallEstate(CONF);
  estate.observe("m_imap", "ex01", observed({ passed: true }));
  estate.state.addAdc("other", { nitro: true, pollMs: 15_000 });
  expect(readiness(estate.state)).toEqual({
    ready: false,
    detail: "estate of other not imported yet",
  });
  estate.state.setAdcLive("other", { lastError: "NITRO: ns1, login: HTTP 307", silent: false });
  expect(readiness(estate.state)).toEqual({
    ready: true,
    detail: "ready; estate of other missing: NITRO: ns1, login: HTTP 307",
  });
  estate.state.setAdcLive("other", { lastError: "connection refused", silent: true });
  expect(readiness(estate.state)).toEqual({
    ready: true,
    detail: "ready; estate of other missing: the ADC does not respond",
  });
});

test("readiness › reports a state directory that cannot be written and is ready all the same", () => {
  const estate = smallEstate(CONF);
  estate.observe("m_imap", "ex01", observed({ passed: true }));
  const storage = {
    writable: false,
    writeErrors: 2,
    problems: ["/state cannot be written: ENOSPC"],
  };
  const { agent, startedAt, adcs, members, vservers, probes, servers } = estate.state;
  const lists = { adcs, members, vservers, probes, servers, suspendedAccounts: [] };
  const live = { agent, startedAt, cutOff: false, storage, ...lists };
  expect(readiness(live)).toEqual({
    ready: true,
    detail: "ready; /state cannot be written: ENOSPC",
  });
});
