import type { Transform } from "node:stream";
import { protocolBreak } from "../wire/break.ts";

/**
 * Words in the clear between the server's consent to TLS and the handshake. Whoever sits on the wire may have put them
 * there, for the client to take them for the server's first words under TLS (CVE-2011-0411): nothing that follows can be
 * believed, so they end the exchange.
 */
export const AHEAD_OF_TLS = protocolBreak("data was sent ahead of the TLS handshake");

/**
 * Tells of what reaches imapflow's parser during the handshake, and keeps it out. By itself imapflow notices what came in
 * one packet with the consent; a packet more, queued while the lines of the one before are parsed, would be read under TLS.
 */
export function keepOutOfHandshake(parser: Transform, told: () => void): void {
  let handshakes = false;
  // The clear connection is taken off the parser, and the secured one put on.
  parser.once("unpipe", () => {
    handshakes = true;
    parser.once("pipe", () => {
      handshakes = false;
    });
  });
  const parse = parser._transform.bind(parser);
  parser._transform = (chunk: Buffer, encoding, done) => {
    if (handshakes) {
      told();
      done();
      return;
    }
    parse(chunk, encoding, done);
  };
}
