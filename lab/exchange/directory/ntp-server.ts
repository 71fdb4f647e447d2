/** The faults of the time server. */
export type NtpBehaviour =
  | { readonly kind: "healthy" }
  | { readonly kind: "silent" }
  | { readonly kind: "slow"; readonly delayMs: number }
  /** How far its clock is ahead (or behind, if negative). */
  | { readonly kind: "offset"; readonly offsetMs: number }
  /** Leap indicator 3, stratum 16: it does not know the time itself. */
  | { readonly kind: "unsynchronised" }
  /** Stratum 0 with a code, for example RATE or DENY. */
  | { readonly kind: "kiss_of_death"; readonly code: string };

const PACKET_BYTES = 48;
const SECONDS_1900_TO_1970 = 2_208_988_800;

/** The answer to a client's packet (RFC 5905, mode 3 to mode 4), or null for silence. `nowMs` since the epoch. */
export function answerNtp(packet: Buffer, behaviour: NtpBehaviour, nowMs: number): Buffer | null {
  if (packet.length < PACKET_BYTES || behaviour.kind === "silent") {
    return null;
  }
  const first = packet.readUInt8(0);
  if ((first & 7) !== 3) {
    return null;
  }
  const unsynchronised = behaviour.kind === "unsynchronised";
  const kiss = behaviour.kind === "kiss_of_death" ? behaviour.code.slice(0, 4) : null;
  const time = nowMs + (behaviour.kind === "offset" ? behaviour.offsetMs : 0);
  const answer = Buffer.alloc(PACKET_BYTES);
  answer.writeUInt8((unsynchronised || kiss !== null ? 0xc0 : 0) | (first & 0x38) | 4, 0);
  answer.writeUInt8(kiss !== null ? 0 : unsynchronised ? 16 : 2, 1);
  answer.writeUInt8(packet.readUInt8(2), 2);
  answer.writeInt8(-20, 3); // precision: a microsecond
  answer.writeUInt32BE(0x0000_0100, 8); // root dispersion
  if (kiss === null) {
    Buffer.from([127, 127, 1, 0]).copy(answer, 12);
  } else {
    answer.write(kiss, 12, "latin1");
  }
  writeTime(answer, 16, time - 1_000);
  packet.copy(answer, 24, 40, 48); // the client's transmit time comes back as origin
  writeTime(answer, 32, time);
  writeTime(answer, 40, time);
  return answer;
}

function writeTime(buffer: Buffer, at: number, epochMs: number): void {
  const seconds = Math.floor(epochMs / 1000);
  buffer.writeUInt32BE((seconds + SECONDS_1900_TO_1970) >>> 0, at);
  buffer.writeUInt32BE(Math.floor(((epochMs - seconds * 1000) / 1000) * 2 ** 32) >>> 0, at + 4);
}
