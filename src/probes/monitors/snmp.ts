import { randomInt } from "node:crypto";
import { discloseAsTheAdcDoes } from "../../net/server-proof.ts";
import { NO_SECRET } from "../../lib/secret.ts";
import { observe } from "../../net/probe-run.ts";
import { decodeSnmpResponse, encodeSnmpGet, type SnmpGet } from "../protocols/snmp-message.ts";
import { askUdp } from "../../net/udp.ts";
import type { MonitorType } from "./spec.ts";

/**
 * SNMP: a GET of `snmpOID`, versions 1 and 2c. Without `snmpThreshold` any value passes; with one a number must not exceed
 * it and a text must equal it. On which side of the threshold the ADC stands is not documented. NetScaler docs: "SNMP
 * monitors" (parameters snmpOID, snmpCommunity, snmpThreshold, snmpVersion).
 */
export const snmpMonitor: MonitorType = {
  type: "SNMP",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const { snmpOid, snmpThreshold, snmpVersion } = spec.monitor.parameters;
      const { credential } = spec;
      const community = discloseAsTheAdcDoes(
        credential?.secret ?? credential?.password ?? NO_SECRET,
      );
      run.redact(community);
      const get: SnmpGet = {
        version: snmpVersion ?? "V1",
        community,
        requestId: randomInt(1, 0x7fff_ffff),
        oid: snmpOid ?? "",
      };
      const payload = encodeSnmpGet(get);
      if (payload === null) {
        return run.fault("send", "not_configured", `not an object identifier: ${get.oid}`);
      }
      const answer = await askUdp(run, target, {
        payload,
        shown: `GET ${get.oid}\n`,
        accept: (data) => decodeSnmpResponse(data, get.requestId) !== null,
      });
      if (answer.kind === "failed") {
        return run.fail(answer.step, answer.why);
      }
      if (answer.kind !== "datagram") {
        return run.fail("response", answer);
      }
      run.responseTimeMs = run.phase("first_byte");
      const value = decodeSnmpResponse(answer.data, get.requestId);
      if (value === null || value.kind === "error") {
        return run.mismatch("response", "bad_status", value?.message ?? "no value");
      }
      return withinThreshold(value.number, value.text, snmpThreshold)
        ? run.match("response", value.text)
        : run.mismatch(
            "response",
            "pattern_missing",
            `${value.text} against the threshold ${snmpThreshold}`,
          );
    }),
  reversePasses: ["mismatch"],
  source: "NSIP",
  transport: "udp",
  meaningfulAtVip: true,
  defaultPort: 161,
  unsupported: (spec) => {
    if (spec.monitor.parameters.snmpOid === null) {
      return "SNMP without an snmpOID has nothing to ask for";
    }
    return spec.credential === null
      ? `the community is kept as a secret: configure monitors.${spec.monitor.name} with secret_file`
      : null;
  },
};

function withinThreshold(value: number | null, text: string, threshold: string | null): boolean {
  if (threshold === null || threshold === "") {
    return true;
  }
  const limit = Number(threshold);
  return value === null || Number.isNaN(limit) ? text === threshold : value <= limit;
}
