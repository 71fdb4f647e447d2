import { readFields, readWhole } from "../fields.ts";
import { SERVER_FIELDS } from "../service-fields.ts";
import {
  define,
  reportIncomplete,
  reportMissing,
  type Draft,
  type StatementKinds,
} from "./draft.ts";
import type { Statement } from "./statements.ts";
import { isAddress, statementSource } from "./values.ts";

/** `add server NAME (IP|FQDN)` and `set server`. */
export const serverStatements: StatementKinds = {
  definitions: new Map([["add server", addServer]]),
  changes: new Map([["set server", setServer]]),
};

function addServer(statement: Statement, draft: Draft): void {
  const [name, place] = statement.words;
  if (name === undefined || place === undefined) {
    reportIncomplete(draft, statement, name ?? "server");
    return;
  }
  const address = isAddress(place) ? place : null;
  const server = {
    name,
    address,
    domain: address === null ? place : null,
    ...readWhole(SERVER_FIELDS, statementSource(statement, draft, name)),
    line: statement.line,
  };
  define(draft.servers, name, server, statement, draft);
}

function setServer(statement: Statement, draft: Draft): void {
  const [name = ""] = statement.words;
  const server = draft.servers.get(name);
  if (server === undefined) {
    reportMissing(draft, statement, "server", name);
    return;
  }
  const { keys } = statement;
  const place = keys.get("ipaddress")?.[0] ?? keys.get("domain")?.[0];
  if (place !== undefined) {
    server.address = isAddress(place) ? place : null;
    server.domain = isAddress(place) ? null : place;
  }
  const { comment = server.comment } = readFields(
    SERVER_FIELDS,
    statementSource(statement, draft, name),
  );
  server.comment = comment;
}
