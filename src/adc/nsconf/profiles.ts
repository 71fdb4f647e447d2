import { readFields, readWhole } from "../fields.ts";
import type { ProfileKind, ProfileReferences } from "../object-kinds.ts";
import { NET_PROFILE_FIELDS } from "../vserver-fields.ts";
import {
  countKind,
  define,
  reportIncomplete,
  reportMissing,
  type Draft,
  type StatementKinds,
  type StatementReader,
  statementSource,
} from "./draft.ts";
import type { NameTable } from "./name-table.ts";
import { HTTP_PROFILE_OPTIONS, NET_PROFILE_OPTIONS, TCP_PROFILE_OPTIONS } from "./option-tables.ts";
import { withKnownOptions } from "./options.ts";
import { isBuiltInProfile } from "./profile-uses.ts";
import { shownKind, type Statement } from "./statements.ts";

const PROTOCOLS = {
  tcp: { kind: "TCP profile", table: ({ tcpProfiles }: Draft) => tcpProfiles },
  http: { kind: "HTTP profile", table: ({ httpProfiles }: Draft) => httpProfiles },
} as const;

/** Net, TCP and HTTP profiles. SSL profiles are read with the other TLS settings. */
export const profileStatements: StatementKinds = {
  definitions: new Map([
    ["add netprofile", withKnownOptions("net profile", NET_PROFILE_OPTIONS, 1, addNetProfile)],
    ["add ns tcpprofile", withKnownOptions("TCP profile", TCP_PROFILE_OPTIONS, 1, adder("tcp"))],
    [
      "add ns httpprofile",
      withKnownOptions("HTTP profile", HTTP_PROFILE_OPTIONS, 1, adder("http")),
    ],
  ]),
  changes: new Map([
    ["set netprofile", withKnownOptions("net profile", NET_PROFILE_OPTIONS, 1, setNetProfile)],
    ["set ns tcpprofile", withKnownOptions("TCP profile", TCP_PROFILE_OPTIONS, 1, setter("tcp"))],
    [
      "set ns httpprofile",
      withKnownOptions("HTTP profile", HTTP_PROFILE_OPTIONS, 1, setter("http")),
    ],
  ]),
};

function addNetProfile(statement: Statement, draft: Draft): void {
  const [name] = statement.words;
  if (name === undefined) {
    reportIncomplete(draft, statement, "netProfile");
    return;
  }
  const profile = {
    name,
    ...readWhole(NET_PROFILE_FIELDS, statementSource(statement, draft, name)),
    line: statement.line,
  };
  define(draft.netProfiles, name, profile, statement, draft);
}

function setNetProfile(statement: Statement, draft: Draft): void {
  const [name = ""] = statement.words;
  const profile = draft.netProfiles.get(name);
  if (profile === undefined) {
    reportMissing(draft, statement, "net profile", name);
    return;
  }
  Object.assign(profile, readFields(NET_PROFILE_FIELDS, statementSource(statement, draft, name)));
}

function adder(protocol: keyof typeof PROTOCOLS): StatementReader {
  const { kind, table } = PROTOCOLS[protocol];
  return (statement, draft) => {
    const [name] = statement.words;
    if (name === undefined) {
      reportIncomplete(draft, statement, kind);
      return;
    }
    countKind(shownKind(statement), draft);
    define(table(draft), name, { name }, statement, draft);
  };
}

function setter(protocol: keyof typeof PROTOCOLS): StatementReader {
  const { kind, table } = PROTOCOLS[protocol];
  return (statement, draft) => {
    const [name = ""] = statement.words;
    if (!table(draft).has(name) && !isBuiltInProfile(name)) {
      reportMissing(draft, statement, kind, name);
    }
  };
}

/** What the statements refer to, by the names under which the profiles are defined. */
export function profileReferences(draft: Draft): ProfileReferences {
  const { netProfiles, sslProfiles, tcpProfiles, httpProfiles } = draft;
  const tables: Readonly<Record<ProfileKind, NameTable<{ readonly name: string }>>> = {
    "net profile": netProfiles,
    "SSL profile": sslProfiles,
    "TCP profile": tcpProfiles,
    "HTTP profile": httpProfiles,
  };
  return {
    uses: draft.profileUses.map((use) => ({
      ...use,
      name: tables[use.kind].get(use.name)?.name ?? use.name,
    })),
    tcpProfiles: tcpProfiles.exact,
    httpProfiles: httpProfiles.exact,
  };
}
