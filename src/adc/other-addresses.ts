/** Where a vserver listens beside the address of its own, as its options say. Undefined or null: nothing is said. */
interface Listening {
  readonly pattern: string | null | undefined;
  readonly set: string | null | undefined;
}

/**
 * What listens where nothing is asked, as a sentence: a limit of what is seen. Null: it listens at its own address alone.
 * Source: NetScaler command reference, `add lb|cs vserver`.
 */
export function otherAddresses({ pattern, set }: Listening): string | null {
  if (isGiven(pattern) && pattern !== "0.0.0.0") {
    return "This vserver listens on every address of a pattern (-IPPattern): nothing is probed through it.";
  }
  return isGiven(set)
    ? `This vserver also listens on the addresses of IP set ${set} (-ipset): only its own address is probed.`
    : null;
}

function isGiven(value: string | null | undefined): value is string {
  return value !== null && value !== undefined && value !== "" && value.toLowerCase() !== "none";
}
