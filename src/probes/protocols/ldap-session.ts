import { BindRequest, FilterParser, SearchRequest, UnbindRequest, type Filter } from "ldapts";
import { readElements, readInteger } from "./ber.ts";
import { protocolBreak, type Break } from "../../net/break.ts";
import type { Connection } from "../../net/connection.ts";

/** Result codes of RFC 4511 that decide something here. */
export const LDAP_RESULT = {
  success: 0,
  noSuchObject: 32,
  sizeLimitExceeded: 4,
  invalidCredentials: 49,
};

export interface LdapResult {
  readonly kind: "result";
  /** 0 is success, 49 invalid credentials … (RFC 4511 appendix A). */
  readonly code: number;
  readonly message: string;
  /** Names of the entries found, at most as many as were asked for. */
  readonly entries: readonly string[];
}

export interface LdapSearch {
  readonly baseDn: string;
  readonly scope: "base" | "one" | "sub";
  readonly filter: string;
  readonly attributes: readonly string[];
  readonly sizeLimit: number;
}

const LARGEST_MESSAGE_BYTES = 256 * 1024;
/** Of all answers to one search together: some thousand entries' names. */
const LARGEST_SEARCH_BYTES = 4 * 1024 * 1024;
/** Tags of the answers that are read (RFC 4511 section 4). */
const TAG = { bindResponse: 0x61, searchEntry: 0x64, searchDone: 0x65, searchReference: 0x73 };

interface LdapAnswer {
  readonly kind: "answer";
  readonly tag: number;
  /** Result code and words of a result; the name of an entry. */
  readonly code: number;
  readonly text: string;
}

/**
 * LDAP over a connection of ours. ldapts writes the requests; answers are read here, since its reader can be made to loop
 * for ever by a message that lies about its lengths, and its client opens sockets itself and reads without bound.
 */
export class LdapSession {
  readonly #connection: Connection;
  #messageId = 0;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Simple bind; empty strings bind anonymously. */
  async bind(dn: string, password: string): Promise<LdapResult | Break> {
    this.#messageId += 1;
    const request = new BindRequest({ messageId: this.#messageId, dn, password });
    this.#connection.write(request.write(), `bind ${dn === "" ? "anonymously" : dn}\n`);
    const answer = await this.#next();
    if (answer.kind !== "answer") {
      return answer;
    }
    return answer.tag === TAG.bindResponse
      ? { kind: "result", code: answer.code, message: answer.text, entries: [] }
      : protocolBreak("no answer to the bind");
  }

  /** Searches; a filter that cannot be parsed is a `protocol_error`, which callers should rule out before. */
  async search(search: LdapSearch): Promise<LdapResult | Break> {
    const filter = parseFilter(search.filter);
    if (filter === null) {
      return protocolBreak(`not a filter: ${search.filter}`);
    }
    this.#messageId += 1;
    const request = new SearchRequest({
      messageId: this.#messageId,
      baseDN: search.baseDn,
      scope: search.scope,
      filter,
      attributes: [...search.attributes],
      sizeLimit: search.sizeLimit,
    });
    this.#connection.write(
      request.write(),
      `search "${search.baseDn}" ${search.scope} ${search.filter}\n`,
    );
    const entries: string[] = [];
    const before = this.#connection.bytesReceived;
    for (;;) {
      const answer = await this.#next();
      if (answer.kind !== "answer") {
        return answer;
      }
      if (this.#connection.bytesReceived - before > LARGEST_SEARCH_BYTES) {
        return protocolBreak(`search results of more than ${LARGEST_SEARCH_BYTES} bytes`);
      }
      if (answer.tag === TAG.searchDone) {
        return { kind: "result", code: answer.code, message: answer.text, entries };
      }
      if (answer.tag === TAG.searchEntry) {
        entries.push(answer.text);
      } else if (answer.tag !== TAG.searchReference) {
        return protocolBreak("no answer to the search");
      }
      if (entries.length > 1000) {
        return protocolBreak("more than 1000 entries");
      }
    }
  }

  /** Says good-bye; LDAP has no answer to it. */
  unbind(): void {
    this.#messageId += 1;
    this.#connection.write(new UnbindRequest({ messageId: this.#messageId }).write(), "unbind\n");
  }

  async #next(): Promise<LdapAnswer | Break> {
    for (;;) {
      const length = messageLength(this.#buffer);
      if (length === "broken" || (length !== "short" && length > LARGEST_MESSAGE_BYTES)) {
        return protocolBreak("not an LDAP message");
      }
      if (length !== "short" && this.#buffer.length >= length) {
        const message = this.#buffer.subarray(0, length);
        this.#buffer = this.#buffer.subarray(length);
        return parseMessage(message);
      }
      const more = await this.#connection.read();
      if (more.kind !== "data") {
        return more.kind === "closed" && this.#buffer.length > 0
          ? { kind: "closed", midway: true }
          : more;
      }
      this.#buffer = Buffer.concat([this.#buffer, more.data]);
    }
  }
}

/** A filter as ldapts reads it, or null. */
export function parseFilter(text: string): Filter | null {
  try {
    return FilterParser.parseString(text);
  } catch {
    return null;
  }
}

/** Whole length of the BER sequence at the start, header included. */
function messageLength(buffer: Buffer): number | "short" | "broken" {
  const [tag, first] = buffer;
  if (tag === undefined) {
    return "short";
  }
  if (tag !== 0x30) {
    return "broken";
  }
  if (first === undefined) {
    return "short";
  }
  if (first < 0x80) {
    return 2 + first;
  }
  const bytes = first & 0x7f;
  if (bytes === 0 || bytes > 4) {
    return "broken";
  }
  return buffer.length < 2 + bytes ? "short" : 2 + bytes + buffer.readUIntBE(2, bytes);
}

function parseMessage(message: Buffer): LdapAnswer | Break {
  const parts = readElements(message)?.[0];
  const operation = parts === undefined ? undefined : readElements(parts.content)?.[1];
  if (operation === undefined) {
    return protocolBreak("not an LDAP message");
  }
  const { tag, content } = operation;
  if (tag === TAG.searchReference) {
    return { kind: "answer", tag, code: 0, text: "" };
  }
  const fields = readElements(content);
  const [first, , diagnostic] = fields ?? [];
  if (first === undefined) {
    return protocolBreak("an LDAP answer without content");
  }
  return tag === TAG.searchEntry
    ? { kind: "answer", tag, code: 0, text: first.content.toString("utf8") }
    : {
        kind: "answer",
        tag,
        code: readInteger(first.content),
        text: diagnostic?.content.toString("utf8") ?? "",
      };
}
