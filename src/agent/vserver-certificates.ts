import { isSubmissionPort } from "../probes/transactions/spec.ts";
import { matchesPattern } from "./plan/pattern.ts";
import type { ProbeRecord } from "./records/probe-record.ts";
import type { VserverRecord } from "./records/vserver-record.ts";

/** The certificate a VIP shows, against the serial NITRO says is bound and the names the operator expects. */
export function wrongCertificate(record: VserverRecord): boolean {
  const through = record.probes.filter((probe) => probe.vantage === "vip");
  const shown = latestLeaf(through.filter((probe) => endsAt(record, probe)));
  const { boundSerials } = record;
  if (shown !== null && boundSerials.length > 0 && !boundSerials.some(isSerialOf(shown.serial))) {
    return true;
  }
  const leaf = latestLeaf(through);
  return (
    leaf !== null &&
    record.expectedNames.length > 0 &&
    !record.expectedNames.some((name) => leaf.names.some((own) => matchesHostName(own, name)))
  );
}

/** Through content switching a client sees the certificate of the vserver in front, not the one bound here. */
function endsAt(record: VserverRecord, { planned }: ProbeRecord): boolean {
  return planned.vservers.at(-1) === record.vserver;
}

function isSerialOf(shown: string): (bound: string) => boolean {
  const normal = normalSerial(shown);
  return (bound) => normalSerial(bound) === normal;
}

function latestLeaf(probes: readonly ProbeRecord[]) {
  for (const probe of probes) {
    const leaf = isRelaysOwn(probe) ? undefined : probe.last?.tls?.chain[0];
    if (leaf !== undefined) {
      return leaf;
    }
  }
  return null;
}

/** Servers that relay mail to each other show certificates of their own, which no client verifies. */
function isRelaysOwn({ planned, transaction }: ProbeRecord): boolean {
  return transaction === "smtp_mail_from" && !isSubmissionPort(planned.port ?? "*");
}

/** Serials are written with or without colons, leading zeros and capitals. */
function normalSerial(serial: string): string {
  return serial
    .toLowerCase()
    .replace(/[^0-9a-f]/g, "")
    .replace(/^0+/, "");
}

function matchesHostName(certificateName: string, name: string): boolean {
  return certificateName.startsWith("*.")
    ? matchesPattern(certificateName, name) &&
        name.split(".").length === certificateName.split(".").length
    : certificateName.toLowerCase() === name.toLowerCase();
}

/**
 * Whether the members' certificates differ where clients see them. Null where TLS ends at the ADC or nobody showed one:
 * there the members' own certificates are the ADC's business.
 */
export function certificatesDiffer(record: VserverRecord): boolean | null {
  const passThrough = record.serviceType === "SSL_BRIDGE" || record.serviceType === "TCP";
  if (!passThrough) {
    return null;
  }
  const seen = new Set<string>();
  for (const member of record.memberRecords) {
    const leaf = latestLeaf(member.probes);
    if (leaf !== null) {
      seen.add(leaf.sha256);
    }
  }
  return seen.size === 0 ? null : seen.size > 1;
}
