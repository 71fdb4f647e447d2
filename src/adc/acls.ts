import { isIP, isBetween } from "../lib/ip.ts";
import type { Acl, AclRange } from "../model/policy.ts";
import { choice, enabled, textOrNone, wholeOrNone, type FieldType } from "./field-types.ts";
import { field } from "./fields.ts";

/** `= 10.0.0.1-10.0.0.9`, with the operator before (ns.conf) or behind (NITRO). */
function range(expects: string, isOne: (text: string) => boolean): FieldType<AclRange | null> {
  return {
    expects,
    read: (written) => {
      const words = written.filter((word) => !/^(?:=|!=|EQ|NEQ)$/i.test(word));
      const negated = written.some((word) => /^(?:!=|NEQ)$/i.test(word));
      const [text = ""] = words;
      const [from = "", to = from, ...more] = text.split("-");
      return words.length === 1 && more.length === 0 && isOne(from) && isOne(to)
        ? { from, to, negated }
        : undefined;
    },
    write: (value) =>
      value === null
        ? { value: undefined, unit: undefined }
        : {
            value: value.from === value.to ? value.from : `${value.from}-${value.to}`,
            unit: value.negated ? "!=" : "=",
          },
  };
}

const addresses = range("an IP address or a range of them", (text) => isIP(text) !== 0);
const ports = range("a port or a range of them", (text) => /^\d{1,5}$/.test(text));

/**
 * The attributes of an extended ACL that say whether a client's connection is dropped.
 * Sources: NetScaler command reference, `add ns acl`; NITRO docs, configuration/ns/nsacl.
 */
export const ACL_FIELDS = {
  enabled: field("state", enabled, true),
  priority: field("priority", wholeOrNone(1, 100_000), null),
  protocol: field("protocol", textOrNone, null),
  source: field("srcIP", addresses, null, { attributes: ["srcipval"], unit: "srcipop" }),
  destination: field("destIP", addresses, null, { attributes: ["destipval"], unit: "destipop" }),
  destinationPort: field("destPort", ports, null, {
    attributes: ["destportval"],
    unit: "destportop",
  }),
};

export const aclAction = choice(["ALLOW", "DENY", "BRIDGE"]);

/** A connection as far as it is known; an unknown source is null. */
export interface AclConnection {
  readonly source: string | null;
  readonly destination: string;
  readonly port: number;
}

/**
 * The rule by which the ADC drops this TCP connection, and whether that is certain; null where none does. Rules are asked
 * by priority and the first that fits decides (NetScaler docs: "Access Control Lists").
 */
export function denyingAcl(
  acls: readonly Acl[],
  connection: AclConnection,
): { readonly acl: Acl; readonly certain: boolean } | null {
  const byPriority = acls
    .filter(({ enabled: isOn }) => isOn)
    .sort((a, b) => (a.priority ?? Infinity) - (b.priority ?? Infinity));
  for (const acl of byPriority) {
    const fits = fitsAcl(acl, connection);
    if (fits !== false && acl.action === "DENY") {
      return { acl, certain: fits === true };
    }
    if (fits === true) {
      return null;
    }
  }
  return null;
}

function fitsAcl(acl: Acl, { source, destination, port }: AclConnection): boolean | null {
  const isTcp = acl.protocol === null || acl.protocol.toUpperCase() === "TCP";
  const others =
    isTcp &&
    within(acl.destination, (from, to) => isBetween(destination, from, to)) &&
    within(acl.destinationPort, (from, to) => Number(from) <= port && port <= Number(to));
  if (!others) {
    return false;
  }
  if (acl.source === null) {
    return true;
  }
  return source === null ? null : within(acl.source, (from, to) => isBetween(source, from, to));
}

function within(one: AclRange | null, isInside: (from: string, to: string) => boolean): boolean {
  return one === null || isInside(one.from, one.to) !== one.negated;
}
