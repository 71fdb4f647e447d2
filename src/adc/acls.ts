import { isIP, isBetween } from "../lib/ip.ts";
import type { Acl, AclKind, AclRange } from "../model/policy.ts";
import { choice, enabled, textOrNone, wholeOrNone, type FieldType } from "./field-types.ts";
import { field, readWhole, type Fields, type FieldSource } from "./fields.ts";

/** `= 10.0.0.1-10.0.0.9`, with the operator first (ns.conf) or last (NITRO). */
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

/** A simple rule names a single address, without an operator. */
function single(expects: string, isOne: (text: string) => boolean): FieldType<AclRange | null> {
  return {
    expects,
    read: ([text = "", ...more]) =>
      more.length === 0 && isOne(text) ? { from: text, to: text, negated: false } : undefined,
    write: (value) => value?.from,
  };
}

const isAddress = (text: string): boolean => isIP(text) !== 0;
const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
const addresses = range("an IP address or a range of them", isAddress);
const ports = range("a port or a range of them", isPort);
const address = single("an IP address", isAddress);
const onePort = single("a port", isPort);

const EXTENDED_FIELDS = {
  enabled: field("state", enabled, true),
  priority: field("priority", wholeOrNone(1, 100_000), null),
  protocol: field("protocol", textOrNone, null),
  destinationPort: field("destPort", ports, null, {
    attributes: ["destportval"],
    unit: "destportop",
  }),
};
const SIMPLE_FIELDS = {
  protocol: field("protocol", textOrNone, null),
  destinationPort: field("destPort", onePort, null),
};

/**
 * The attributes of each kind of rule that determine whether a client's connection is dropped.
 * Sources: NetScaler command reference, `add ns acl`, `add ns acl6`, `add ns simpleacl`, `add ns simpleacl6`; NITRO
 * docs, configuration/ns/nsacl and related objects.
 */
export const ACL_FIELDS = {
  acl: {
    ...EXTENDED_FIELDS,
    source: field("srcIP", addresses, null, { attributes: ["srcipval"], unit: "srcipop" }),
    destination: field("destIP", addresses, null, { attributes: ["destipval"], unit: "destipop" }),
  },
  acl6: {
    ...EXTENDED_FIELDS,
    source: field("srcIPv6", addresses, null, { attributes: ["srcipv6val"], unit: "srcipop" }),
    destination: field("destIPv6", addresses, null, {
      attributes: ["destipv6val"],
      unit: "destipop",
    }),
  },
  simpleacl: { ...SIMPLE_FIELDS, source: field("srcIP", address, null) },
  simpleacl6: { ...SIMPLE_FIELDS, source: field("srcIPv6", address, null) },
} satisfies Readonly<Record<AclKind, Fields>>;

export const ACL_KINDS = Object.keys(ACL_FIELDS) as readonly AclKind[];

/** The defaults of a rule: enabled, and matching everything. */
const ANY = {
  enabled: true,
  priority: null,
  protocol: null,
  source: null,
  destination: null,
  destinationPort: null,
};

/** A rule as one source describes it. */
export function readAcl(
  kind: AclKind,
  { name, action, line }: Pick<Acl, "name" | "action" | "line">,
  source: FieldSource,
): Acl {
  return { kind, name, action, ...ANY, ...readWhole<Fields>(ACL_FIELDS[kind], source), line };
}

/** Each kind of rule has its own name space. */
export function aclKey({ kind, name }: Pick<Acl, "kind" | "name">): string {
  return kind === "acl" ? name : `${kind} ${name}`;
}

export const aclAction = choice(["ALLOW", "DENY", "BRIDGE"]);

/** The known properties of a connection; an unknown source is null. */
export interface AclConnection {
  readonly source: string | null;
  readonly destination: string;
  readonly port: number;
}

/**
 * The rule by which the ADC drops this TCP connection, and whether that is certain; null if there is none. Simple rules
 * are evaluated first, the others by priority, and the first match decides (NetScaler docs: "Access Control Lists").
 */
export function denyingAcl(
  acls: readonly Acl[],
  connection: AclConnection,
): { readonly acl: Acl; readonly certain: boolean } | null {
  const isV6 = isIP(connection.destination) === 6;
  const byPriority = acls
    .filter(({ enabled: isOn, kind }) => isOn && kind.endsWith("6") === isV6)
    .sort((a, b) => evaluationOrder(a) - evaluationOrder(b));
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

function evaluationOrder({ kind, priority }: Acl): number {
  return kind.startsWith("simple") ? 0 : (priority ?? Infinity);
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
