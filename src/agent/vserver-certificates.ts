import type { TlsFacts } from "../probes/probe.ts";
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
    const leaf = isRelaysOwn(probe) ? undefined : probe.current?.tls?.chain[0];
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
 * Whether certificates differ where they must be alike, judged by where the clients' TLS ends; null where nothing says that
 * they must, or no member showed one. Passed through, all members must show one, and through the VIP nothing else may be
 * seen. Encrypted anew, what the members show is the ADC's business, unless the operator says otherwise or Extended
 * Protection is seen. What content switching passes through differs by target: each target is judged by itself.
 */
export function certificatesDiffer(record: VserverRecord): boolean | null {
  switch (record.tlsEnds) {
    case "pass_through":
      return record.kind === "cs" ? null : differ(record, ({ serverName }) => serverName ?? "");
    case "re_encrypt":
      // Of its members an ADC asks by another name than clients ask it, or by none.
      return record.sameCertificate || seesExtendedProtection(record)
        ? differ(record, () => "")
        : null;
    case "offload":
    case "none":
      return null;
  }
}

/**
 * A login bound to the certificate shown is accepted at a member, and through the VIP refused to the same credential: that
 * is what Extended Protection does where the ADC shows another certificate. A login that is accepted on both sides says
 * nothing: servers without it ignore the binding.
 */
function seesExtendedProtection(record: VserverRecord): boolean {
  return (
    record.probes.some(
      ({ vantage, current }) =>
        vantage === "vip" &&
        current?.reason === "login_broken_by_adc" &&
        current.channelBound === true,
    ) &&
    record.memberRecords.some(({ probes }) =>
      probes.some(({ current }) => current?.outcome === "match" && current.channelBound === true),
    )
  );
}

/** Compares the VIP and all members, each group of names for itself: one server may have a certificate for each SNI. */
function differ(record: VserverRecord, group: (facts: TlsFacts) => string): boolean | null {
  const shown = new Map<string, Set<string>>();
  const take = (probes: readonly ProbeRecord[]): void => {
    for (const [name, sha256] of newestLeaves(probes, group)) {
      shown.set(name, (shown.get(name) ?? new Set()).add(sha256));
    }
  };
  record.memberRecords.forEach(({ probes }) => take(probes));
  if (shown.size === 0) {
    return null;
  }
  take(record.probes.filter(({ vantage }) => vantage === "vip"));
  return [...shown.values()].some((leaves) => leaves.size > 1);
}

/** The fingerprint last shown at one endpoint, for each group of names. */
function newestLeaves(
  probes: readonly ProbeRecord[],
  group: (facts: TlsFacts) => string,
): ReadonlyMap<string, string> {
  const newest = new Map<string, { readonly at: number; readonly sha256: string }>();
  for (const probe of probes) {
    const { current } = probe;
    const leaf = isRelaysOwn(probe) ? undefined : current?.tls?.chain[0];
    if (current?.tls && leaf !== undefined) {
      const name = group(current.tls);
      if (current.startedAt > (newest.get(name)?.at ?? -Infinity)) {
        newest.set(name, { at: current.startedAt, sha256: leaf.sha256 });
      }
    }
  }
  return new Map([...newest].map(([name, { sha256 }]) => [name, sha256]));
}
