import type { Socket } from "node:net";
import { createLineConnection } from "../line-connection.ts";
import { DNS_TYPES, dnsAnswer, parseQuestion, RCODES, type DnsRecord } from "./dns-message.ts";

/** The faults of the name server. `truncate` sets TC over UDP, so that a client repeats the query over TCP. */
export type DnsBehaviour =
  | { readonly kind: "healthy" }
  | { readonly kind: "silent" }
  | { readonly kind: "slow"; readonly delayMs: number }
  | { readonly kind: "nxdomain" | "servfail" | "refused" }
  | { readonly kind: "truncate" }
  /** Answers with another question's id. */
  | { readonly kind: "wrong_id" }
  /** Every second query fails with SERVFAIL. */
  | { readonly kind: "flapping" };

export interface NameServer {
  /** The answer to one message, or null for silence. */
  answer(message: Buffer, transport: "udp" | "tcp"): Buffer | null;
  set(behaviour: DnsBehaviour): void;
  delayMs(): number;
  queries(): number;
}

/** An authoritative name server with a small zone. */
export function createNameServer(zone: readonly DnsRecord[]): NameServer {
  let behaviour: DnsBehaviour = { kind: "healthy" };
  let queries = 0;

  function answer(message: Buffer, transport: "udp" | "tcp"): Buffer | null {
    const question = parseQuestion(message);
    if (question === null || behaviour.kind === "silent") {
      return null;
    }
    queries += 1;
    switch (behaviour.kind) {
      case "nxdomain":
      case "servfail":
      case "refused":
        return dnsAnswer(question, RCODES[behaviour.kind], []);
      case "truncate":
        return transport === "udp" ? dnsAnswer(question, 0, [], true) : lookUp();
      case "wrong_id":
        return dnsAnswer({ ...question, id: question.id ^ 0xffff }, 0, []);
      case "flapping":
        return queries % 2 === 0 ? dnsAnswer(question, RCODES.servfail, []) : lookUp();
      case "healthy":
      case "slow":
        return lookUp();
    }

    function lookUp(): Buffer | null {
      if (question === null) {
        return null;
      }
      const named = zone.filter(({ name }) => name.toLowerCase() === question.name);
      const found = named.filter(
        ({ type }) =>
          DNS_TYPES[type] === question.type || type === "CNAME" || question.type === 255,
      );
      const targets = found.filter(({ type }) => type === "CNAME").map(({ data }) => data);
      const followed = zone.filter(
        ({ name, type }) => targets.includes(name) && DNS_TYPES[type] === question.type,
      );
      return dnsAnswer(question, named.length === 0 ? RCODES.nxdomain : 0, [...found, ...followed]);
    }
  }

  return {
    answer,
    set(next) {
      behaviour = next;
    },
    delayMs: () => (behaviour.kind === "slow" ? behaviour.delayMs : 0),
    queries: () => queries,
  };
}

/** DNS over TCP (RFC 7766): messages with their length before them, several on a connection. */
export async function serveDnsOverTcp(socket: Socket, server: NameServer): Promise<void> {
  const connection = createLineConnection(socket, {
    secure: false,
    delayMs: () => server.delayMs(),
  });
  for (;;) {
    const length = await connection.readBytes(2);
    const message = length && (await connection.readBytes(length.readUInt16BE(0)));
    if (message === null) {
      break;
    }
    const answer = server.answer(message, "tcp");
    if (answer !== null) {
      const prefix = Buffer.alloc(2);
      prefix.writeUInt16BE(answer.length);
      await connection.send(Buffer.concat([prefix, answer]));
    }
  }
  connection.end();
}
