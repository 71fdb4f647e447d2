import { BindRequest, FilterParser, SearchRequest, UnbindRequest, type Filter } from "ldapts";
import type { LoginRefusal } from "../../net/mail-replies.ts";
import { readBerHeader } from "../../lib/bytes.ts";
import { MessageReader } from "../../net/line-reader.ts";
import { readElements, readInteger } from "./ber.ts";
import { protocolError, type ExchangeError } from "../../net/exchange-error.ts";
import type { Connection } from "../../net/connection.ts";

/** Result codes of RFC 4511 that affect a result. */
export const LDAP_RESULT = {
  success: 0,
  noSuchObject: 32,
  sizeLimitExceeded: 4,
  invalidCredentials: 49,
};

/** Meaning of a bind result for the credential, and the reason of a failure. */
type BindMeaning = { readonly login: "accepted"; readonly reason: null } | LoginRefusal;

/**
 * Reads the result code of a bind with a password (RFC 4511 appendix A). A few codes mean that the credential was not
 * checked: another authentication method is required (7, 8, 13), another server must be used (10), or the server is busy or
 * unavailable (51, 52).
 */
export function bindMeaning(code: number): BindMeaning {
  switch (code) {
    case LDAP_RESULT.success:
      return { login: "accepted", reason: null };
    case LDAP_RESULT.invalidCredentials:
      return { login: "rejected", reason: "auth_rejected" };
    case 7:
    case 8:
    case 13:
      return { login: "not_tried", reason: "scheme_unsupported" };
    case 51:
    case 52:
      return { login: "not_tried", reason: "backend_unavailable" };
    case 10:
      return { login: "not_tried", reason: "bad_status" };
    default:
      return { login: "unanswered", reason: "bad_status" };
  }
}

export interface LdapResult {
  readonly kind: "result";
  /** 0 is success, 49 invalid credentials … (RFC 4511 appendix A). */
  readonly code: number;
  readonly message: string;
  /** Names of the entries found, at most as many as requested. */
  readonly entries: readonly string[];
}

export interface LdapSearch {
  readonly baseDn: string;
  readonly scope: "base" | "one" | "sub";
  readonly filter: string;
  readonly attributes: readonly string[];
  readonly sizeLimit: number;
}

const SEQUENCE = 0x30;
const MAX_MESSAGE_BYTES = 256 * 1024;
/** Maximum size of all responses to one search: the names of some thousand entries. */
const MAX_SEARCH_BYTES = 4 * 1024 * 1024;
/** Tags of the responses that are read (RFC 4511 section 4). */
const TAG = { bindResponse: 0x61, searchEntry: 0x64, searchDone: 0x65, searchReference: 0x73 };

interface LdapAnswer {
  readonly kind: "answer";
  readonly tag: number;
  /** Result code and message of a result; the name of an entry. */
  readonly code: number;
  readonly text: string;
}

/**
 * LDAP over the probe's own connection. ldapts encodes the requests. Responses are parsed here, because a message with
 * invalid lengths can make ldapts loop forever, and its client opens sockets itself and reads without limits.
 */
export class LdapSession {
  readonly #connection: Connection;
  #messageId = 0;
  readonly #messages: MessageReader;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#messages = new MessageReader(connection, messageLength);
  }

  /** Simple bind; empty strings bind anonymously. */
  async bind(dn: string, password: string): Promise<LdapResult | ExchangeError> {
    this.#messageId += 1;
    const request = new BindRequest({ messageId: this.#messageId, dn, password });
    this.#connection.write(request.write(), `bind ${dn === "" ? "anonymously" : dn}\n`);
    const answer = await this.#next();
    if (answer.kind !== "answer") {
      return answer;
    }
    return answer.tag === TAG.bindResponse
      ? { kind: "result", code: answer.code, message: answer.text, entries: [] }
      : protocolError("no response to the bind");
  }

  /** Searches; an invalid filter gives `protocol_error`, so callers should check it first. */
  async search(search: LdapSearch): Promise<LdapResult | ExchangeError> {
    const filter = parseFilter(search.filter);
    if (filter === null) {
      return protocolError(`not a filter: ${search.filter}`);
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
      if (this.#connection.bytesReceived - before > MAX_SEARCH_BYTES) {
        return protocolError(`search results of more than ${MAX_SEARCH_BYTES} bytes`);
      }
      if (answer.tag === TAG.searchDone) {
        return { kind: "result", code: answer.code, message: answer.text, entries };
      }
      if (answer.tag === TAG.searchEntry) {
        entries.push(answer.text);
      } else if (answer.tag !== TAG.searchReference) {
        return protocolError("no response to the search");
      }
      if (entries.length > 1000) {
        return protocolError("more than 1000 entries");
      }
    }
  }

  /** Sends an unbind request, which has no reply. */
  unbind(): void {
    this.#messageId += 1;
    this.#connection.write(new UnbindRequest({ messageId: this.#messageId }).write(), "unbind\n");
  }

  async #next(): Promise<LdapAnswer | ExchangeError> {
    const message = await this.#messages.next();
    return message.kind === "message" ? parseMessage(message.data) : message;
  }
}

/** Parses a filter with ldapts; null if it is invalid. */
export function parseFilter(text: string): Filter | null {
  try {
    return FilterParser.parseString(text);
  } catch {
    return null;
  }
}

/** Total length of the BER sequence at the start, including its header. */
function messageLength(received: Buffer): number | null | ExchangeError {
  const header = readBerHeader(received, 0);
  if ((received[0] ?? SEQUENCE) !== SEQUENCE || header === "broken") {
    return protocolError("not an LDAP message");
  }
  if (header === "short") {
    return null;
  }
  return header.end > MAX_MESSAGE_BYTES ? protocolError("not an LDAP message") : header.end;
}

function parseMessage(message: Buffer): LdapAnswer | ExchangeError {
  const parts = readElements(message)?.[0];
  const operation = parts === undefined ? undefined : readElements(parts.content)?.[1];
  if (operation === undefined) {
    return protocolError("not an LDAP message");
  }
  const { tag, content } = operation;
  if (tag === TAG.searchReference) {
    return { kind: "answer", tag, code: 0, text: "" };
  }
  const fields = readElements(content);
  const [first, , diagnostic] = fields ?? [];
  if (first === undefined) {
    return protocolError("an empty LDAP response");
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
