import { describe, expect, test } from "vitest";
import { observed, smallEstate, type SmallEstate } from "./small-estate.ts";

const CONF = (...more: readonly string[]): string =>
  [
    "add server ex01 10.0.0.1",
    "add server ex02 10.0.0.2",
    "add service s ex01 SSL 443",
    "add service t ex02 SSL 443",
    'add lb monitor page HTTP-ECV -send "GET /health" -recv ok -secure YES',
    "bind service s -monitorName page",
    "bind service t -monitorName page",
    "add lb vserver v SSL 10.0.0.9 443",
    "bind lb vserver v s",
    "bind lb vserver v t",
    ...more,
  ].join("\n");

const DEMANDED = observed({
  passed: false,
  outcome: "failed",
  reason: "tls_handshake",
  step: "tls",
});
const FORBIDDEN = observed({
  passed: false,
  evidence: { transcript: "", detail: "HTTP/1.1 403 Forbidden" },
});

/** The ADC says UP, our monitor fails long enough to be sure. */
function failing(estate: SmallEstate, seen = DEMANDED): SmallEstate {
  estate.hear({ "s/ex01:443": { state: "up" }, "t/ex02:443": { state: "up" } });
  estate.observe("page", "ex01", seen, 6);
  estate.later(600_000);
  return estate;
}

describe("client certificate", () => {
  test.each([
    ["a failed handshake", DEMANDED],
    ["403 from a server that requests the certificate within TLS", FORBIDDEN],
  ])(
    "leaves the verdict unknown when only the ADC's service has it and our probe sees %s",
    (_, seen) => {
      const estate = failing(smallEstate(CONF("bind ssl service s -certkeyName client")), seen);
      expect(estate.member("ex01")).toMatchObject({ replica: "unknown", verdict: "unknown" });
    },
  );

  test("leaves the verdict unknown when only the ADC's monitor has it and our handshake fails", () => {
    const estate = failing(smallEstate(CONF("bind lb monitor page -certkeyName client")));
    expect(estate.member("ex01")).toMatchObject({ replica: "unknown", verdict: "unknown" });
  });

  test("does not excuse a failure when it belongs to another service or is an issuer", () => {
    for (const more of [
      "bind ssl service t -certkeyName client",
      "bind ssl service s -certkeyName issuer -CA",
    ]) {
      expect(failing(smallEstate(CONF(more))).member("ex01")).toMatchObject({ replica: "down" });
    }
  });

  test("does not excuse a failure of the service's probe when the probe has passed before", () => {
    const estate = smallEstate(CONF("bind ssl service s -certkeyName client"));
    estate.hear({ "s/ex01:443": { state: "up" } });
    estate.observe("page", "ex01", observed({ passed: true }));
    expect(failing(estate).member("ex01")).toMatchObject({ replica: "down" });
  });

  test("does not excuse a closed port of the service", () => {
    const closed = observed({
      passed: false,
      outcome: "refused",
      reason: "refused",
      step: "connect",
      phases: {},
    });
    const estate = failing(smallEstate(CONF("bind ssl service s -certkeyName client")), closed);
    expect(estate.member("ex01")).toMatchObject({ replica: "down" });
  });
});
