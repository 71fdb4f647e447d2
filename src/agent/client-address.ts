import type { ProbeRecord } from "./records/probe-record.ts";
import type { VserverRecord } from "./records/vserver-record.ts";

/**
 * Whether the client's address survives the VIP, by what SMTP servers call us: through the ADC they see the address we came
 * from, or the one they see without the ADC (behind an address translation). Null where no server told through the VIP.
 */
export function clientAddressKept(record: VserverRecord): boolean | null {
  const [told] = record.probes.filter((probe) => probe.vantage === "vip").flatMap(addressSeen);
  if (told === undefined) {
    return null;
  }
  const direct = record.memberRecords.flatMap((member) => member.probes).flatMap(addressSeen);
  return told.own || direct.some(({ seenAs }) => seenAs === told.seenAs);
}

function addressSeen({ current }: ProbeRecord) {
  return current?.clientAddress ?? [];
}
