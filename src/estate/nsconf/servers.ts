import {
  define,
  reportIncomplete,
  reportMissing,
  type Draft,
  type StatementKinds,
} from "./draft.ts";
import type { Statement } from "./statements.ts";
import { isAddress, KeyReader } from "./values.ts";

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
  const keys = new KeyReader(statement, draft, name);
  const address = isAddress(place) ? place : null;
  const queryType = keys.text("querytype");
  const server = {
    name,
    address,
    domain: address === null ? place : null,
    enabled: keys.flag("state") ?? true,
    trafficDomain: keys.number("td") ?? 0,
    ...(queryType === undefined ? {} : { queryType: queryType.toUpperCase() }),
    comment: keys.text("comment") ?? null,
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
  const keys = new KeyReader(statement, draft, name);
  const place = keys.text("ipaddress") ?? keys.text("domain");
  if (place !== undefined) {
    server.address = isAddress(place) ? place : null;
    server.domain = isAddress(place) ? null : place;
  }
  server.comment = keys.text("comment") ?? server.comment;
}
