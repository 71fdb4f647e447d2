import { isIPv6 } from "./ip.ts";

/**
 * Whom an address stands for when visitors are counted: itself, or its /64 where it is IPv6, since one host has as many
 * of those as it likes (RFC 6177). IPv4 in its IPv6 form is IPv4. What is no address is its own group.
 */
export function addressGroup(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) {
    return mapped;
  }
  const [plain = ""] = address.split("%");
  return isIPv6(plain) ? `${firstHextets(plain, 4).join(":")}::/64` : address;
}

/** The first so many groups of 16 bits, as written or left out by `::`. */
function firstHextets(address: string, count: number): readonly string[] {
  const [before = "", after = ""] = address.split("::");
  const head = before === "" ? [] : before.split(":");
  const tail = address.includes("::") && after !== "" ? after.split(":") : [];
  // A dotted end stands for two groups.
  const tailLength = tail.length + (tail.at(-1)?.includes(".") === true ? 1 : 0);
  const zeros = address.includes("::") ? Math.max(0, 8 - head.length - tailLength) : 0;
  return [...head, ...Array.from({ length: zeros }, () => "0"), ...tail]
    .slice(0, count)
    .map((hextet) => hextet.toLowerCase().replace(/^0+(?=.)/, ""));
}
