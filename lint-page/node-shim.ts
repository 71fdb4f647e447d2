/**
 * What of Node.js the importer, lint and the plan need while they read a file: addresses and their ranges. The
 * bundle of the page takes it in place of Node's own modules; a test compares the two.
 */

const V4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

export function isIPv4(text: string): boolean {
  return V4.test(text);
}

export function isIPv6(text: string): boolean {
  const [address = "", ...zones] = text.split("%");
  return (
    zones.length < 2 &&
    zones.every((zone) => /^[\da-z.:-]+$/i.test(zone)) &&
    groupsOf(address) !== null
  );
}

export function isIP(text: string): 0 | 4 | 6 {
  return isIPv4(text) ? 4 : isIPv6(text) ? 6 : 0;
}

/** The eight groups of an IPv6 address; null where the text is none. */
function groupsOf(text: string): number[] | null {
  const dotted = /^(.*:)([\d.]+)$/.exec(text);
  const [, before = "", v4 = ""] = dotted?.[2]?.includes(".") === true ? dotted : [];
  if (v4 !== "" && !isIPv4(v4)) {
    return null;
  }
  const [a = 0, b = 0, c = 0, d = 0] = v4.split(".").map(Number);
  const plain =
    v4 === "" ? text : `${before}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  const halves = plain.split("::");
  const [left = [], right] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const filled = right === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array.from({ length: Math.max(filled, 0) }, () => "0")].concat(
    right ?? [],
  );
  const fits = halves.length === 1 ? groups.length === 8 : halves.length === 2 && filled >= 1;
  return fits && groups.every((group) => /^[\da-f]{1,4}$/i.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : null;
}

/** An address as bits, IPv4 in its IPv6 form: so that a range matches both. */
function bitsOf(address: string): bigint {
  const [plain = ""] = address.split("%");
  const groups = groupsOf(isIPv4(plain) ? `::ffff:${plain}` : plain) ?? [];
  return groups.reduce((sum, group) => sum * 65_536n + BigInt(group), 0n);
}

/** Node's class of the same name, as far as it is used. */
export class BlockList {
  readonly #ranges: { readonly from: bigint; readonly free: bigint }[] = [];

  addSubnet(address: string, prefix: number): void {
    const free = 128n - BigInt(isIPv4(address) ? 96 + prefix : prefix);
    this.#ranges.push({ from: bitsOf(address) >> free, free });
  }

  check(address: string): boolean {
    const bits = bitsOf(address);
    return isIP(address) !== 0 && this.#ranges.some(({ from, free }) => bits >> free === from);
  }
}

/** Of `node:util`: how an object is shown in a log, which no page has. */
export const inspect = { custom: Symbol("inspect") };
