import { createNitroClient, type NitroClient } from "../../src/adc/nitro/client.ts";
import { importEstate } from "../../src/adc/nitro/import.ts";
import { pollNode, type PollResult } from "../../src/adc/nitro/poll.ts";
import { IMPORT_STEPS } from "../../src/adc/nitro/pull-plan.ts";
import { readRole } from "../../src/adc/nitro/roles.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { type NitroGap, memberKey } from "../../src/model/adc-state.ts";
import { createNetwork } from "../../src/net/dns.ts";
import { CREDENTIALS } from "../adc/nitro/lab-client.ts";
import { steadyBackend } from "../adc/nitro/steady-backend.ts";
import { inProcess, type InProcessFault } from "../support/nitro-in-process.ts";

/** Something bound everywhere, so that every resource is asked for; one member is out, so that its connections count. */
const CONF = `
add server ex01 192.0.2.11
add server ex02 192.0.2.12
add service svc_imap ex01 TCP 143
add serviceGroup sg_web SSL
bind serviceGroup sg_web ex01 443
bind serviceGroup sg_web ex02 443
add lb vserver v_imap TCP 192.0.2.1 143 -persistenceType SOURCEIP
add lb vserver v_web SSL -persistenceType SOURCEIP
add cs vserver cs_web SSL 192.0.2.2 443
bind lb vserver v_imap svc_imap
bind lb vserver v_web sg_web
bind cs vserver cs_web -lbvserver v_web
bind service svc_imap -monitorName tcp
bind serviceGroup sg_web -monitorName https
add gslb site dc1 LOCAL 192.0.2.50
add gslb service gs_dc1 192.0.2.1 TCP 143 -siteName dc1
add gslb serviceGroup gg_dc1 TCP -siteName dc1
bind gslb serviceGroup gg_dc1 ex02 443
bind gslb serviceGroup gg_dc1 -monitorName tcp
add gslb vserver gslb_mail TCP
bind gslb vserver gslb_mail -serviceName gs_dc1
bind gslb vserver gslb_mail -serviceGroupName gg_dc1
bind gslb vserver gslb_mail -domainName mail.example.com`;
const ESTATE = parseNsConf(CONF, { adc: "prod" });

/** Who refuses. The vendor's lists (NITRO docs, error messages), codes that no list has, and what is no NITRO. */
const REFUSALS: readonly (readonly [list: string, refusals: readonly Refusal[]])[] = [
  ["general", [...range(256, 382), ...range(394, 399), ...range(410, 480)]],
  ["CLI", range(1024, 1183)],
  ["NITRO", [...range(1203, 1206), ...range(1232, 1244)]],
  ["monitors, rights", range(2128, 2140)],
  ["cluster", [...range(2448, 2502), 4095]],
  ["partition", range(2752, 2772)],
  ["on no list", [1, 599, 9_999, 987_654]],
  [
    "HTTP, no NITRO",
    [200, 301, 307, 400, 401, 403, 404, 405, 406, 409, 429, 500, 502, 503, 599].map(
      (status) => `http ${status}` as const,
    ),
  ],
  ["no answer", ["reset"]],
];

type Refusal = NonNullable<ReturnType<InProcessFault>>;

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

const ESSENTIAL: ReadonlySet<string> = new Set(
  IMPORT_STEPS.flatMap((step) => (step.essential === true ? [step.resource] : [])),
);
const STATES = ["lbvserver", "service", "servicegroup", "servicegroup_servicegroupmember_binding"];
const COUNTS = ["stat/service", "stat/servicegroup"];

/** What is asked for, by what it is worth. */
const CLASSES = [
  "login",
  "roles",
  "import: essential",
  "import: csvserver",
  "import: gslbsite",
  "import: the rest",
  "poll: states",
  "poll: the rest",
  "poll: connections",
  "poll: persistence",
] as const;
type ResourceClass = (typeof CLASSES)[number];
/** `ends`, `stopped` (no login is tried any more), `secondary`; else the rest is read: with a `gap`, or `as empty`. */
type Outcomes = Readonly<Record<ResourceClass, string>>;

interface Round {
  /** How it ended before its end; empty: it did not. */
  readonly end: string;
  readonly refused: ReadonlySet<string>;
  readonly gaps: ReadonlySet<string>;
}

type Ask = (isRefused: (of: string) => boolean) => Promise<Round>;

interface Refusing {
  readonly importing: Ask;
  readonly polling: Ask;
}

/** Classes without which the rest is still read. */
export const DISPENSABLE: readonly ResourceClass[] = CLASSES.filter(
  (each) => !["login", "roles", "import: essential", "poll: states"].includes(each),
);

/** What comes of every refusal, by class of resource. */
export async function refuseEverything(): Promise<ReadonlyMap<Refusal, Outcomes>> {
  const asked = appliance();
  const found = new Map<Refusal, Outcomes>();
  for (const refusal of REFUSALS.flatMap(([, refusals]) => refusals)) {
    found.set(refusal, await outcomesOf(asked(refusal)));
  }
  return found;
}

async function outcomesOf({ importing, polling }: Refusing): Promise<Outcomes> {
  /** Each of them alone: one that ends the round would hide the others. */
  const alone = async (ask: Ask, resources: readonly string[]): Promise<string> => {
    const words = new Set<string>();
    for (const resource of resources) {
      words.add(outcomeOf(await ask((of) => of === resource)));
    }
    return [...words].join(" or ");
  };
  const rest = await importing((of) => !BASIC.has(of) && !ESSENTIAL.has(of));
  return {
    login: await alone(importing, ["login"]),
    roles: await alone(polling, ["hanode"]),
    "import: essential": await alone(importing, [...ESSENTIAL]),
    "import: csvserver": outcomeOf(rest, (of) => of === "csvserver"),
    "import: gslbsite": await alone(importing, ["gslbsite"]),
    "import: the rest": outcomeOf(rest, (of) => of !== "csvserver" && !OWN_CODES.test(of)),
    "poll: states": await alone(polling, STATES),
    "poll: the rest": outcomeOf(await polling((of) => !BASIC.has(of) && !STATES.includes(of))),
    "poll: connections": await alone(polling, COUNTS),
    "poll: persistence": await alone(polling, ["lbpersistentsessions"]),
  };
}

const BASIC: ReadonlySet<string> = new Set([
  ...["login", "logout", "hanode", "stat/hanode", "gslbsite"],
  ...["stat/service", "stat/servicegroup", "lbpersistentsessions"],
]);
/** A cluster has no AAA and says so (2470); old firmware has no GSLB groups. Both have tests of their own. */
const OWN_CODES = /^(authentication|tm)|^gslbservicegroup$|_gslbservicegroup_|_tmtraffic/;

function outcomeOf(
  { end, refused, gaps }: Round,
  counts: (of: string) => boolean = () => true,
): string {
  const words = [...refused].filter(counts).map((of) => (gaps.has(of) ? "gap" : "as empty"));
  return end === "" ? [...new Set(words)].join(" or ") : end;
}

/** One appliance that refuses as it is told to. */
function appliance(): (refusal: Refusal) => Refusing {
  const backend = steadyBackend(ESTATE);
  backend.set.members.set(memberKey("sg_web", "ex02", 443), { state: "OUT OF SERVICE" });
  backend.set.members.set(memberKey("svc_imap", "ex01", 143), { state: "OUT OF SERVICE" });
  const clock = { now: 0 };
  let refusal: Refusal = 0;
  let isRefused: (of: string) => boolean = () => false;
  const network = createNetwork({ connectTo: {}, unmapped: "refuse", now: Date.now });
  const refused = new Set<string>();
  const transport = inProcess(backend, {
    fault: ({ kind, resource }) => {
      const of = kind === "stat" && resource !== "hanode" ? `stat/${resource}` : resource;
      if (!isRefused(of)) {
        return null;
      }
      refused.add(of);
      return refusal;
    },
  });
  const round = (kind: keyof typeof ENDS, gaps: readonly NitroGap[]): Round => ({
    end: ENDS[kind],
    refused: new Set(refused),
    gaps: new Set(gaps.map(({ resource }) => resource)),
  });
  const client = (): NitroClient =>
    createNitroClient({
      url: "http://192.0.2.101",
      ...CREDENTIALS,
      tls: { ca: null, serverName: null, verify: true },
      network,
      monotonic: () => clock.now,
      transport: () => transport,
    });
  const refusing: Refusing = {
    importing: async (which) => {
      isRefused = which;
      refused.clear();
      const result = await importEstate(client(), {
        adc: "prod",
        wait: (ms) => {
          clock.now += ms;
          return Promise.resolve();
        },
      });
      return round(result.kind, result.kind === "estate" ? result.gaps : []);
    },
    polling: async (which) => {
      isRefused = which;
      refused.clear();
      const asked = client();
      const role = await readRole(asked);
      if (role.kind !== "role") {
        return round(role.kind, []);
      }
      const polled: PollResult = await pollNode(asked, role, [], ESTATE, null, () => clock.now, {
        ownAddresses: [],
      });
      return round(polled.kind, polled.kind === "state" ? polled.gaps : []);
    },
  };
  return (next) => {
    refusal = next;
    return refusing;
  };
}

const ENDS = {
  estate: "",
  state: "",
  failed: "ends",
  secondary: "secondary",
  stopped: "stopped",
} as const;

/** The table of every refusal: those of one list that come to the same stand in one row. */
export function codesTable(found: ReadonlyMap<Refusal, Outcomes>): string {
  const rows = REFUSALS.flatMap(([list, refusals]) => {
    const alike = new Map<string, Refusal[]>();
    for (const one of refusals) {
      const words = CLASSES.map((each) => found.get(one)?.[each] ?? "").join(" | ");
      alike.set(words, [...(alike.get(words) ?? []), one]);
    }
    return [...alike].map(([words, ones]) => `| ${list} | ${shortened(ones)} | ${words} |`);
  });
  return [
    `| list | codes | ${CLASSES.join(" | ")} |`,
    `|${" --- |".repeat(CLASSES.length + 2)}`,
    ...rows,
  ].join("\n");
}

/** `256, 259–268`. */
function shortened(refusals: readonly Refusal[]): string {
  const spans: [Refusal, Refusal][] = [];
  for (const one of refusals) {
    const last = spans.at(-1);
    if (last !== undefined && typeof one === "number" && last[1] === one - 1) {
      last[1] = one;
    } else {
      spans.push([one, one]);
    }
  }
  return spans
    .map(([from, to]) => (from === to ? String(from) : `${String(from)}–${String(to)}`))
    .join(", ");
}
