import {
  berElement,
  berInteger,
  berObjectIdentifier,
  readElements,
  readInteger,
} from "../protocols/ber.ts";
import { randomInt } from "node:crypto";
import { discloseWithoutProof } from "../../net/server-proof.ts";
import { NO_SECRET } from "../../lib/secret.ts";
import { observe } from "../../net/probe-run.ts";
import { askUdp } from "../../net/udp.ts";
import type { MonitorType } from "./spec.ts";

interface SnmpGet {
  readonly version: "V1" | "V2";
  readonly community: string;
  readonly requestId: number;
  readonly oid: string;
}

export interface SnmpValue {
  readonly kind: "value";
  readonly number: number | null;
  readonly text: string;
}

export interface SnmpError {
  readonly kind: "error";
  readonly message: string;
}

const GET_REQUEST = 0xa0;
const GET_RESPONSE = 0xa2;
const ERRORS = ["noError", "tooBig", "noSuchName", "badValue", "readOnly", "genErr", "noAccess"];

/** A GetRequest for one variable (RFC 1157, RFC 3416), or null if the OID is invalid. */
export function encodeSnmpGet(get: SnmpGet): Buffer | null {
  const name = berObjectIdentifier(get.oid);
  if (name === null) {
    return null;
  }
  const binding = berElement(0x30, name, berElement(0x05));
  const pdu = berElement(
    GET_REQUEST,
    berInteger(get.requestId),
    berInteger(0),
    berInteger(0),
    berElement(0x30, binding),
  );
  return berElement(
    0x30,
    berInteger(get.version === "V1" ? 0 : 1),
    berElement(0x04, Buffer.from(get.community)),
    pdu,
  );
}

/** The variable in the response; null if the datagram is not a response to this request. */
export function decodeSnmpResponse(data: Buffer, requestId: number): SnmpValue | SnmpError | null {
  const message = singleElement(readElements(data), 0x30);
  const pdu = message === null ? undefined : readElements(message)?.[2];
  if (pdu?.tag !== GET_RESPONSE) {
    return null;
  }
  const [id, status, , list] = readElements(pdu.content) ?? [];
  if (
    id === undefined ||
    status === undefined ||
    list === undefined ||
    readInteger(id.content) !== requestId
  ) {
    return null;
  }
  const error = readInteger(status.content);
  if (error !== 0) {
    return { kind: "error", message: ERRORS[error] ?? `error ${error}` };
  }
  const binding = readElements(list.content)?.[0];
  const value = binding === undefined ? undefined : readElements(binding.content)?.[1];
  return value === undefined ? null : valueOf(value.tag, value.content);
}

function valueOf(tag: number, content: Buffer): SnmpValue | SnmpError {
  switch (tag) {
    case 0x80:
    case 0x81:
    case 0x82:
      return {
        kind: "error",
        message: ["noSuchObject", "noSuchInstance", "endOfMibView"][tag - 0x80] ?? "",
      };
    case 0x02:
    case 0x41:
    case 0x42:
    case 0x43:
    case 0x46: {
      const number = readInteger(content);
      return { kind: "value", number, text: String(number) };
    }
    default: {
      const text = content.toString("utf8");
      return { kind: "value", number: /^-?\d+$/.test(text) ? Number(text) : null, text };
    }
  }
}

function singleElement(elements: ReturnType<typeof readElements>, tag: number): Buffer | null {
  const first = elements?.[0];
  return first?.tag === tag ? first.content : null;
}

/**
 * SNMP: a GET of `snmpOID`, versions 1 and 2c. Without `snmpThreshold` any value passes; with one a number must not exceed it
 * and a text must equal it. The ADC's comparison is not documented. NetScaler docs: "SNMP monitors" (parameters snmpOID,
 * snmpCommunity, snmpThreshold, snmpVersion).
 */
export const snmpMonitor: MonitorType = {
  type: "SNMP",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const { snmpOid, snmpThreshold, snmpVersion } = spec.monitor.parameters;
      const { credential } = spec;
      const community = discloseWithoutProof(
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
      return "SNMP has no snmpOID to query";
    }
    return spec.credential === null
      ? `the community is a secret: configure monitors.${spec.monitor.name} with secret_file`
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
