import { isIPv6 } from "node:net";
import type { NitroBackend } from "./backend.ts";
import { wireAddress } from "./config-rows.ts";
import { double, wirePort, type Row } from "./wire-values.ts";

/** NITRO docs, `lbpersistentsessions`: get (all), with the vserver as an argument. */
export function* persistentSessionRows(
  backend: NitroBackend,
  asked: ReadonlyMap<string, string>,
): Generator<Row> {
  const wanted = asked.get("vserver");
  for (const vserver of backend.estate().lbVservers.values()) {
    if (wanted !== undefined && wanted !== vserver.name) {
      continue;
    }
    for (const { source, member, expiresInMs } of backend.persistence(vserver.name)) {
      yield {
        vserver: vserver.name,
        vservername: vserver.name,
        typestring: vserver.persistence.type,
        ...addressFields("srcip", source),
        ...addressFields("destip", wireAddress(member, backend.estate())),
        flags: isIPv6(source),
        destport: wirePort(member.port),
        timeout: double(Math.ceil(expiresInMs / 1000)),
        referencecount: double(0),
      };
    }
  }
}

function addressFields(field: string, address: string): Row {
  return isIPv6(address)
    ? { [field]: "0.0.0.0", [`${field}v6`]: address }
    : { [field]: address, [`${field}v6`]: "::" };
}
