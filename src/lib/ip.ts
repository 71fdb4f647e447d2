import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";

/** Pure functions of Node's `net`; the only file from which all rooms may import them. */
export { BlockList, isIP, isIPv4, isIPv6 };

/** An address, or an address and its prefix length. */
export function isRange(text: string): boolean {
  const [address = "", prefix, ...more] = text.split("/");
  const bits = isIP(address) === 6 ? 128 : 32;
  return (
    isIP(address) !== 0 &&
    !address.includes("%") &&
    more.length === 0 &&
    (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits))
  );
}

/**
 * Builds a block list of valid addresses and CIDR ranges. IPv4 addresses also match in their IPv6 form (`::ffff:127.0.0.1`).
 */
export function rangesOf(texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const [address = "", prefix] = text.split("/");
    const isV6 = isIP(address) === 6;
    list.addSubnet(address, Number(prefix ?? (isV6 ? 128 : 32)), isV6 ? "ipv6" : "ipv4");
  }
  return list;
}

/**
 * Like {@link rangesOf} for a single address, for callers with a hundred thousand of them: IPv4 without creating an
 * object of Node's for each.
 */
export function rangeTest(texts: readonly string[]): (address: string) => boolean {
  const list = rangesOf(texts);
  const ranges = texts.flatMap((text) => {
    const [address = "", prefix = "32"] = text.split("/");
    const size = 2 ** (32 - Number(prefix));
    return isIPv4(address) ? [{ size, place: Math.floor(ipv4Number(address) / size) }] : [];
  });
  return (address) => {
    if (!isIPv4(address)) {
      return list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
    }
    const number = ipv4Number(address);
    return ranges.some(({ size, place }) => Math.floor(number / size) === place);
  };
}

function ipv4Number(address: string): number {
  let number = 0;
  let octet = 0;
  for (let at = 0; at < address.length; at += 1) {
    const code = address.charCodeAt(at);
    if (code === DOT) {
      number = number * 256 + octet;
      octet = 0;
    } else {
      octet = octet * 10 + code - ZERO;
    }
  }
  return number * 256 + octet;
}

const DOT = 0x2e;
const ZERO = 0x30;

/** Whether an address lies between two others of its family, inclusive; false if one of them is not an address. */
export function isBetween(address: string, from: string, to: string): boolean {
  const family = isIP(address);
  if (family === 0 || isIP(from) !== family || isIP(to) !== family) {
    return false;
  }
  const [least, value, most] = [from, address, to].map(orderOf);
  return (
    least !== undefined &&
    value !== undefined &&
    most !== undefined &&
    least <= value &&
    value <= most
  );
}

/** A sort key of an address. */
function orderOf(address: string): string {
  return addressBytes(address).toString("hex");
}

/** Whether two addresses are the same; IPv6 is written in many ways. */
export function isSameAddress(one: string, other: string): boolean {
  return sameForm(one) === sameForm(other);
}

/** The same text for every way to write an address; other texts stay as they are. */
export function sameForm(address: string): string {
  return address.includes(":") && isIPv6(address) ? addressBytes(address).toString("hex") : address;
}

/** `10.0.0.1:80`, `[2001:db8::1]:80`: an address or a name with its port, as in a URL. */
export function withPort(host: string, port: number | string): string {
  return `${host.includes(":") && isIPv6(host) ? `[${host}]` : host}:${String(port)}`;
}

/** The four or sixteen bytes of an address, without its zone. */
export function addressBytes(address: string): Buffer {
  const plain = address.split("%", 1)[0] ?? "";
  if (isIP(plain) === 4) {
    return Buffer.from(plain.split(".").map(Number));
  }
  // The URL parser writes every IPv6 address in one form, without embedded IPv4.
  const text = new URL(`http://[${plain}]/`).hostname.slice(1, -1);
  const [head = "", tail] = text.split("::");
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const [before, after] = [groups(head), groups(tail ?? "")];
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const all = [...before, ...Array<string>(zeros).fill("0"), ...after];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}

/**
 * The group of an address for limits per client: the address itself, or the /64 of an IPv6 address, since one host may
 * use all of it (RFC 6177). IPv4-mapped IPv6 counts as IPv4. An invalid address is a separate group.
 */
export function addressGroup(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) {
    return mapped;
  }
  const [plain = ""] = address.split("%");
  return isIPv6(plain) ? `${firstHextets(plain, 4).join(":")}::/64` : address;
}

/** The first groups of 16 bits, with `::` expanded. */
function firstHextets(address: string, count: number): readonly string[] {
  const [before = "", after = ""] = address.split("::");
  const head = before === "" ? [] : before.split(":");
  const tail = address.includes("::") && after !== "" ? after.split(":") : [];
  // A dotted quad counts as two groups.
  const tailLength = tail.length + (tail.at(-1)?.includes(".") === true ? 1 : 0);
  const zeros = address.includes("::") ? Math.max(0, 8 - head.length - tailLength) : 0;
  return [...head, ...Array.from({ length: zeros }, () => "0"), ...tail]
    .slice(0, count)
    .map((hextet) => hextet.toLowerCase().replace(/^0+(?=.)/, ""));
}
