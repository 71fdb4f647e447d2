import { describe, expect, test } from "vitest";
import { oddSchemes, type OfferedSchemes } from "../../src/verdict/vserver-findings.ts";
import type { VserverRecord } from "../../src/agent/records/vserver-record.ts";
import { vserverRow } from "../../src/web/api/verdicts.ts";
import { loginSchemes, schemesNotice } from "../../src/web/page/notices.ts";
import { observed, smallEstate, type SmallEstate } from "./small-estate.ts";

const USUAL = "negotiate, ntlm";
const BASIC = "basic, negotiate, ntlm";
const ONLY_NTLM = "ntlm";

function offered(server: string, schemes: string, elsewhere: Partial<OfferedSchemes> = {}) {
  return { adcService: "sg_ews", server, port: 443, path: "/ews/", schemes, ...elsewhere };
}

describe("odd schemes", () => {
  test.each<[what: string, offers: OfferedSchemes[], odd: string[] | null]>([
    ["none reported", [], null],
    ["only one reported", [offered("ex01", USUAL)], null],
    ["two the same", [offered("ex01", USUAL), offered("ex02", USUAL)], []],
    [
      "two that differ, each reported",
      [offered("ex01", USUAL), offered("ex02", BASIC)],
      [`ex01: ${USUAL}, not ${BASIC}`, `ex02: ${BASIC}, not ${USUAL}`],
    ],
    [
      "one of three differs",
      [offered("ex01", USUAL), offered("ex02", BASIC), offered("ex03", USUAL)],
      [`ex02: ${BASIC}, not ${USUAL}`],
    ],
    [
      "all of three differ, none reported",
      [offered("ex01", USUAL), offered("ex02", BASIC), offered("ex03", ONLY_NTLM)],
      null,
    ],
    [
      "one of four differs and the others do not agree",
      [
        offered("ex01", USUAL),
        offered("ex02", USUAL),
        offered("ex03", BASIC),
        offered("ex04", ONLY_NTLM),
      ],
      null,
    ],
    [
      "two of four differ, as in the middle of a change",
      [
        offered("ex01", USUAL),
        offered("ex02", USUAL),
        offered("ex03", BASIC),
        offered("ex04", BASIC),
      ],
      null,
    ],
    [
      "another path, each with schemes of its own",
      [offered("ex01", USUAL), offered("ex02", BASIC, { path: "/oab/" })],
      null,
    ],
    [
      "another port: another site of the server",
      [offered("ex01", USUAL), offered("ex01", BASIC, { port: 444 })],
      null,
    ],
    [
      "another group",
      [offered("ex01", USUAL), offered("ex02", BASIC, { adcService: "sg_other" })],
      null,
    ],
    [
      "alike at one path, one of two at another",
      [
        offered("ex01", USUAL),
        offered("ex02", USUAL),
        offered("ex01", BASIC, { path: "/oab/" }),
        offered("ex02", USUAL, { path: "/oab/" }),
      ],
      [`ex01: ${BASIC}, not ${USUAL}`, `ex02: ${USUAL}, not ${BASIC}`],
    ],
  ])(
    "differ as expected when members of one group asked for the same URL answer: %s",
    (_what, offers, odd) => {
      const found = oddSchemes(offers);
      expect(
        found?.map(({ server, offers: own, others }) => `${server}: ${own}, not ${others}`) ?? null,
      ).toEqual(odd);
    },
  );
});

const CONF = `add server ex01 10.0.0.1
add server ex02 10.0.0.2
add server ex03 10.0.0.3
add serviceGroup sg_ews SSL
add lb monitor m_ews HTTP-ECV -send "GET /ews/healthcheck.htm" -recv "200 OK" -secure YES
add lb vserver v_ews SSL 0.0.0.0 0
add cs vserver cs SSL 10.0.0.100 443
bind serviceGroup sg_ews ex01 443
bind serviceGroup sg_ews ex02 443
bind serviceGroup sg_ews ex03 443
bind serviceGroup sg_ews -monitorName m_ews
bind lb vserver v_ews sg_ews
bind cs vserver cs -lbvserver v_ews
`;

/** What the recognised look asks for. */
const PATH = "/EWS/Exchange.asmx";

function see(one: SmallEstate, server: string, authSchemes: string): void {
  one.observe("https_challenge", server, observed({ passed: true, authSchemes }));
}

async function judged(one: SmallEstate): Promise<VserverRecord> {
  await one.state.evaluateInTurns();
  return one.vserver("v_ews");
}

describe("authentication schemes of a vserver's members", () => {
  test("are reported as differing as soon as one member changes, though nothing else does", async () => {
    const one = smallEstate(CONF);
    expect((await judged(one)).oddSchemes).toBeNull();
    for (const server of ["ex01", "ex02", "ex03"]) {
      see(one, server, USUAL);
    }
    expect((await judged(one)).oddSchemes).toEqual([]);
    see(one, "ex02", BASIC);
    const vserver = await judged(one);
    const odd = { server: "ex02", port: 443, path: PATH, offers: BASIC, others: USUAL };
    expect(vserver.oddSchemes).toEqual([odd]);
    expect(vserverRow(vserver).auth_schemes_differ).toEqual([odd]);
    expect(one.vserver("cs").oddSchemes).toBeNull();
    see(one, "ex02", USUAL);
    expect((await judged(one)).oddSchemes).toEqual([]);
  });

  test("never change a verdict when one member offers others", async () => {
    const one = smallEstate(CONF);
    for (const server of ["ex01", "ex02", "ex03"]) {
      see(one, server, server === "ex02" ? BASIC : USUAL);
    }
    await one.state.evaluateInTurns();
    const [first, ...others] = ["ex01", "ex02", "ex03"].map((server) => one.member(server).verdict);
    expect(others).toEqual([first, first]);
  });

  test("are shown on the page with server, path and schemes when one member offers others", async () => {
    const one = smallEstate(CONF);
    for (const server of ["ex01", "ex02", "ex03"]) {
      see(one, server, server === "ex02" ? BASIC : USUAL);
    }
    await one.state.evaluateInTurns();
    const vserver = one.vserver("v_ews");
    const words = loginSchemes(vserver)?.text.replace(/\s+/g, " ");
    expect(words).toContain(
      `ex02:443 offers ${BASIC} at ${PATH}; the other members offer ${USUAL}.`,
    );
    expect(schemesNotice(vserver).text).toContain("v_ews");
  });
});
