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

test("readiness › an agent does not wait for the opinion of monitors that it never runs", () => {
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

test("readiness › an agent that was ready stays so when its results grow too old to count, and says so", () => {
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

test("readiness › probes that pause while a member leaves are told, and not waited for", () => {
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

test("readiness › an agent that is cut off waits for nobody, and says so", () => {
  const estate = stickyEstate();
  estate.state.cutOff = true;
  expect(readiness(estate.state)).toEqual({
    ready: true,
    detail:
      "ready; 1 of 3 replicas without an opinion: the agent is cut off, no control target is reachable",
  });
});

test("readiness › a failure on the way to an opinion is waited for", () => {
  const estate = smallEstate(CONF);
  estate.observe("m_imap", "ex01", observed({ passed: false }));
  expect(readiness(estate.state).ready).toBe(false);
  estate.observe("m_imap", "ex01", observed({ passed: false }), 2);
  expect(readiness(estate.state)).toEqual({ ready: true, detail: "ready" });
});

test("readiness › logins of a suspended account are told, and not waited for", () => {
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

test("readiness › logins that the state directory holds back are told with what is wrong", () => {
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

test("readiness › an ADC whose account is rejected is told with what ends it", () => {
  const estate = smallEstate(CONF);
  estate.observe("m_imap", "ex01", observed({ passed: true }));
  estate.state.addAdc("other", { nitro: true, pollMs: 15_000 });
  const stop = "stopped: wrong credentials since 2026-11-28T20:00:00.000Z (Invalid [354])";
  estate.state.setAdcLive("other", { lastError: `NITRO: ${stop}` });
  expect(readiness(estate.state)).toEqual({ ready: true, detail: `ready; other: ${stop}` });
});

test("readiness › an ADC that is still to be asked is waited for; one that does not answer is told", () => {
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

test("readiness › tells of a state directory that refuses, and is not held up by it", () => {
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
