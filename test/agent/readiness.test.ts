import { expect, test } from "vitest";
import { readiness } from "../../src/web/readiness.ts";
import { observed, smallEstate } from "./small-estate.ts";

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

test("an agent does not wait for the opinion of monitors that it never runs", () => {
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
