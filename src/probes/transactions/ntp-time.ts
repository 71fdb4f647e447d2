import { randomBytes } from "node:crypto";
import { observe } from "../../net/probe-run.ts";
import { askUdp } from "../../net/udp.ts";
import type { TransactionType } from "./spec.ts";

/** Seconds between 1900 and 1970. */
const NTP_EPOCH_S = 2_208_988_800;
const PACKET_BYTES = 48;

/**
 * Asks a time server for the time (RFC 5905, client mode, version 4). It must be synchronised; with `max_offset_ms`, its
 * clock must also agree with ours within that many milliseconds.
 */
export const ntpTime: TransactionType = {
  transaction: "ntp_time",
  needsAccount: false,
  transport: "udp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      // A random transmit timestamp serves as a cookie: the server returns it as the originate timestamp.
      const cookie = randomBytes(8);
      const payload = Buffer.alloc(PACKET_BYTES);
      payload[0] = 0x23;
      cookie.copy(payload, 40);
      const sentAt = context.now();
      const answer = await askUdp(run, target, {
        payload,
        shown: "NTP client request",
        accept: (data) => data.length >= PACKET_BYTES && data.subarray(24, 32).equals(cookie),
      });
      if (answer.kind === "failed") {
        return run.broken(answer.step, answer.why);
      }
      if (answer.kind !== "datagram") {
        return run.broken("response", answer);
      }
      const receivedAt = context.now();
      run.responseTimeMs = run.phase("first_byte");
      const { data } = answer;
      const leap = (data[0] ?? 0) >> 6;
      const stratum = data[1] ?? 0;
      if (leap === 3 || stratum === 0 || stratum >= 16) {
        const kiss =
          stratum === 0 ? ` (${data.toString("latin1", 12, 16).replace(/\0/g, "")})` : "";
        return run.mismatch(
          "response",
          "bad_status",
          `not synchronised, stratum ${String(stratum)}${kiss}`,
        );
      }
      const offsetMs = (ntpTimeMs(data, 32) - sentAt + (ntpTimeMs(data, 40) - receivedAt)) / 2;
      const words = `stratum ${String(stratum)}, offset ${offsetMs.toFixed(0)} ms`;
      const limit = spec.options["max_offset_ms"];
      return typeof limit === "number" && Math.abs(offsetMs) > limit
        ? run.mismatch("response", "bad_status", `${words}, more than ${String(limit)} ms`)
        : run.match("response", words);
    }),
};

/** A timestamp of the first era, in milliseconds since 1970; after 2036 the next era begins at zero. */
function ntpTimeMs(data: Buffer, at: number): number {
  const seconds = data.readUInt32BE(at);
  const era = seconds < 0x8000_0000 ? 2 ** 32 : 0;
  return (seconds + era - NTP_EPOCH_S + data.readUInt32BE(at + 4) / 2 ** 32) * 1000;
}
