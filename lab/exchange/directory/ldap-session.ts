import type { Socket } from "node:net";
import { createLineConnection, type LineConnection } from "../line-connection.ts";
import type { Organisation } from "../organisation.ts";
import type { ServiceContext } from "../service-context.ts";
import {
  children,
  element,
  integer,
  integerOf,
  octets,
  readElement,
  type BerElement,
} from "./ber.ts";
import { matches, type Attributes } from "./ldap-filter.ts";

const RESULT = {
  success: 0,
  operationsError: 1,
  noSuchObject: 32,
  invalidCredentials: 49,
  unavailable: 52,
  unwillingToPerform: 53,
} as const;

const START_TLS = "1.3.6.1.4.1.1466.20037";

interface LdapSession {
  readonly context: ServiceContext;
  readonly connection: LineConnection;
  bound: boolean;
}

interface Entry {
  readonly dn: string;
  readonly attributes: Attributes;
}

/** Serves one LDAP connection (RFC 4511) as a domain controller does: simple bind, search, StartTLS. */
export async function serveLdap(
  socket: Socket,
  context: ServiceContext,
  secure: boolean,
): Promise<void> {
  const connection = createLineConnection(socket, {
    secure,
    delayMs: () => context.state().delayMs,
  });
  const session: LdapSession = { context, connection, bound: false };
  while (connection.isOpen()) {
    const received = await readElement(connection);
    const [id, operation] = received?.tag === 0x30 ? children(received.content) : [];
    if (id === undefined || operation === undefined || operation.tag === 0x42) {
      break; // gone, garbage, or unbind
    }
    await answer(session, integerOf(id.content), operation);
  }
  connection.end();
}

async function answer(session: LdapSession, id: number, operation: BerElement): Promise<void> {
  const { connection, context } = session;
  const reply = (tag: number, code: number, text = ""): Promise<void> =>
    connection.send(message(id, element(tag, integer(code, 0x0a), octets(""), octets(text))));
  switch (operation.tag) {
    case 0x60: {
      const [code, text] = bind(session, operation);
      return reply(0x61, code, text);
    }
    case 0x63: {
      const [code, text, entries] = search(session, operation);
      await connection.send(Buffer.concat(entries.map((entry) => message(id, entry))));
      return reply(0x65, code, text);
    }
    case 0x77: {
      const name = children(operation.content)[0]?.content.toString("latin1");
      const secureContext = context.secureContext();
      if (name !== START_TLS || secureContext === null || connection.isSecure()) {
        return reply(0x78, RESULT.unavailable, "");
      }
      const done = element(0x78, integer(0, 0x0a), octets(""), octets(""), octets(START_TLS, 0x8a));
      await connection.send(message(id, done));
      await connection.startTls(secureContext);
      return;
    }
    case 0x50: // abandon has no answer
      return;
    default:
      return reply(0x65, RESULT.unwillingToPerform, "");
  }
}

function message(id: number, operation: Buffer): Buffer {
  return element(0x30, integer(id), operation);
}

function bind(session: LdapSession, operation: BerElement): [number, string] {
  const { context } = session;
  const [, name, credential] = children(operation.content);
  const username = name?.content.toString("utf8") ?? "";
  const password = credential?.content.toString("utf8") ?? "";
  session.bound = false;
  if (context.state().backend !== "up") {
    return [
      RESULT.unavailable,
      "00002024: LdapErr: DSID-0C060D05, comment: The server is not ready",
    ];
  }
  if (username === "" && password === "") {
    return [RESULT.success, ""];
  }
  const from = { server: context.name, protocol: "ldap" };
  const known = accountNameOf(context.organisation, username);
  const result = context.organisation.authenticate(known, password, from);
  if (credential?.tag !== 0x80 || result.kind === "rejected") {
    return [
      RESULT.invalidCredentials,
      "80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data 52e, v2580",
    ];
  }
  session.bound = true;
  return [RESULT.success, ""];
}

/** The user name in a distinguished name; other names are unchanged. */
function accountNameOf(organisation: Organisation, name: string): string {
  const entry = entriesOf(organisation).find(({ dn }) => dn.toLowerCase() === name.toLowerCase());
  return entry?.attributes.get("sAMAccountName")?.[0] ?? name;
}

function search(session: LdapSession, operation: BerElement): [number, string, Buffer[]] {
  const { organisation, fqdn } = session.context;
  const [base, scope, , sizeLimit, , , filter, wanted] = children(operation.content);
  const baseDn = base?.content.toString("utf8").toLowerCase() ?? "";
  const depth = integerOf(scope?.content ?? Buffer.alloc(1));
  const names = children(wanted?.content ?? Buffer.alloc(0)).map(({ content }) =>
    content.toString("utf8"),
  );
  if (baseDn === "" && depth === 0) {
    return [RESULT.success, "", [searchEntry(rootDse(organisation, fqdn), names)]];
  }
  if (!session.bound) {
    return [
      RESULT.operationsError,
      "000004DC: LdapErr: DSID-0C090A5C, comment: In order to perform this operation a successful bind must be completed on the connection., data 0, v2580",
      [],
    ];
  }
  const root = namingContext(organisation).toLowerCase();
  if (baseDn !== root && !baseDn.endsWith(`,${root}`)) {
    return [RESULT.noSuchObject, "0000208D: NameErr: DSID-0310020A, problem 2001 (NO_OBJECT)", []];
  }
  const limit = integerOf(sizeLimit?.content ?? Buffer.alloc(1));
  const found = entriesOf(organisation)
    .filter(({ dn }) => inScope(dn.toLowerCase(), baseDn, depth))
    .filter(({ attributes }) => filter !== undefined && matches(filter, attributes))
    .slice(0, limit === 0 ? undefined : limit);
  return [RESULT.success, "", found.map((entry) => searchEntry(entry, names))];
}

function inScope(dn: string, base: string, depth: number): boolean {
  if (dn === base) {
    return depth !== 1;
  }
  const below = dn.endsWith(`,${base}`) ? dn.slice(0, -base.length - 1) : null;
  return below !== null && (depth === 2 || (depth === 1 && !below.includes(",")));
}

function searchEntry({ dn, attributes }: Entry, names: readonly string[]): Buffer {
  const all = names.length === 0 || names.includes("*");
  const chosen = [...attributes].filter(
    ([name]) => all || names.some((wanted) => wanted.toLowerCase() === name.toLowerCase()),
  );
  const lists = chosen.map(([name, values]) =>
    element(0x30, octets(name), element(0x31, ...values.map((value) => octets(value)))),
  );
  return element(0x64, octets(dn), element(0x30, ...lists));
}

function namingContext(organisation: Organisation): string {
  const domain = organisation.acceptedDomains[0] ?? "lab.example.com";
  return domain
    .split(".")
    .map((label) => `DC=${label}`)
    .join(",");
}

function rootDse(organisation: Organisation, fqdn: string): Entry {
  const root = namingContext(organisation);
  return {
    dn: "",
    attributes: new Map([
      ["defaultNamingContext", [root]],
      ["namingContexts", [root]],
      ["dnsHostName", [fqdn]],
      ["supportedLDAPVersion", ["3"]],
      ["supportedExtension", [START_TLS]],
      ["objectClass", ["top"]],
    ]),
  };
}

function entriesOf(organisation: Organisation): Entry[] {
  const root = namingContext(organisation);
  const users = organisation.accounts.map((account): Entry => ({
    dn: `CN=${account.username},CN=Users,${root}`,
    attributes: new Map([
      ["objectClass", ["top", "person", "organizationalPerson", "user"]],
      ["cn", [account.username]],
      ["sAMAccountName", [account.username]],
      ["userPrincipalName", [account.address]],
      ["mail", [account.address]],
    ]),
  }));
  const container: Entry = {
    dn: `CN=Users,${root}`,
    attributes: new Map([
      ["objectClass", ["top", "container"]],
      ["cn", ["Users"]],
    ]),
  };
  const domain: Entry = {
    dn: root,
    attributes: new Map([["objectClass", ["top", "domain", "domainDNS"]]]),
  };
  return [domain, container, ...users];
}
