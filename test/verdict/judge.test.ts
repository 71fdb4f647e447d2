import { describe, expect, test } from "vitest";
import { judgeMember, type MemberSurroundings } from "../../src/verdict/judge-member.ts";
import { judgeVserver, type VserverSurroundings } from "../../src/verdict/judge-vserver.ts";
import { observed, smallEstate, type SmallEstate } from "../agent/small-estate.ts";

const CONF = `add server ex01 10.0.0.1
add server ex02 10.0.0.2
add serviceGroup sg_imap TCP
add lb monitor m_imap TCP-ECV -recv "* OK" -interval 5 -resptimeout 2
add lb vserver v_imap TCP 10.0.0.100 143
bind serviceGroup sg_imap ex01 143
bind serviceGroup sg_imap ex02 143
bind serviceGroup sg_imap -monitorName m_imap
bind lb vserver v_imap sg_imap
`;
const GOOD = observed({ passed: true });
const CLOSED = observed({ passed: false, reason: "closed_without_data" });

/** ex01 is in maintenance while the ADC says UP; ex02 works. */
function halfInMaintenance(): SmallEstate {
  const world = smallEstate(CONF);
  world.hear({ ex01: { state: "up" }, ex02: { state: "up" } });
  world.observe("imap_greeting", "ex01", CLOSED, 2);
  world.observe("m_imap", "ex02", GOOD);
  world.observe("imap_greeting", "v_imap", GOOD);
  world.later(300_000);
  return world;
}

function memberSurroundings({ clock }: SmallEstate): MemberSurroundings {
  return {
    now: clock.at,
    cutOff: false,
    nitro: true,
    declared: "no",
    stabilityMs: 60_000,
    overdueAfterMs: 3_600_000,
    grace: "watched",
    mailboxSide: new Set(),
  };
}

function vserverSurroundings({ clock }: SmallEstate): VserverSurroundings {
  return {
    now: clock.at,
    cutOff: false,
    nitro: true,
    pollMs: 5_000,
    ownAddresses: 1,
    grace: "watched",
  };
}

describe("judgeMember and judgeVserver", () => {
  test("leave the member unchanged and give the same result when repeated", () => {
    const world = halfInMaintenance();
    const member = world.member("ex01");
    const later = { ...memberSurroundings(world), now: world.clock.at + 3_600_000, cutOff: true };
    const { verdict, memory, validUntil } = member;
    const first = judgeMember(member, later);
    expect(first.judgement.verdict).not.toBe(verdict);
    expect(judgeMember(member, later)).toEqual(first);
    expect({
      verdict: member.verdict,
      memory: member.memory,
      validUntil: member.validUntil,
    }).toEqual({ verdict, memory, validUntil });
  });

  test("leave the vserver unchanged and give the same result when repeated", () => {
    const world = halfInMaintenance();
    const vserver = world.vserver("v_imap");
    const later = { ...vserverSurroundings(world), now: world.clock.at + 3_600_000, cutOff: true };
    const { verdict, vip, memory, validUntil } = vserver;
    const first = judgeVserver(vserver, later);
    expect(first.judgement).not.toMatchObject({ vip, verdict });
    expect(judgeVserver(vserver, later)).toEqual(first);
    expect({
      verdict: vserver.verdict,
      memory: vserver.memory,
      validUntil: vserver.validUntil,
    }).toEqual({ verdict, memory, validUntil });
  });

  test("agree with the stored judgement when the member is unchanged", () => {
    const world = halfInMaintenance();
    world.state.evaluateAll();
    for (const member of [world.member("ex01"), world.member("ex02")]) {
      const { judgement } = judgeMember(member, memberSurroundings(world));
      const { verdict, step, reason, decidedBy, maintenance, replica, service } = member;
      expect(judgement).toMatchObject({
        ...{ verdict, step, reason, decidedBy, maintenance, replica, service },
      });
    }
    expect(world.member("ex01").verdict).toBe("routes_to_maintenance");
  });
});
