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

/**
 * Who refuses. The vendor's lists (NITRO docs of 12.0, error messages), code by code; of the lists whose codes only commands
 * that change something can meet the first and the last; codes that no list has, and what is no NITRO.
 */
const REFUSALS: readonly (readonly [list: string, refusals: readonly Refusal[]])[] = [
  [
    "general",
    listed(
      "256-360 362-383 394-399 410-446 449-479 938-940 1382-1385 1440-1441 1448-1454 1459-1464 1467-1488 1490-1493 1496-1497 1501 3779",
    ),
  ],
  ["CLI", listed("1024-1054 1056-1063 1065-1080 1086-1133 1135-1183 3870-3871 3917")],
  ["NITRO", [1203, ...listed("1232-1244 1246-1264")]],
  ["monitors, rights", listed("2128-2141 2144 2154-2157 2159-2194 2196 2198-2218 3550")],
  ["cluster", listed("2411 2448-2504 2522 2541-2549 4095")],
  ["partition", listed("2752-2753 2755-2767 2769-2792 2799-2813")],
  [
    "the other lists",
    listed(
      "88 480 512 752 755 758 765 769 851-852 862 864 879-880 891 896 912 928 932 944 962 975 977 1064 1184 1216 1219 1360 1369 1376 1381 1455 1457 1465 1536 1599 1601 1791 2047 2049 2053 2305 2312 2408 2413 2423 2528 2538 2561 2569 2608 2623-2624 2649-2650 2746 2750 2817 2909 2960 2974 2988-2989 3008 3033 3120 3248 3250 3329 3383 3385 3439 3457 3469 3473 3480 3489 3499 3504 3519 3521 3528-3529 3536 3541-3542 3545 3558 3569 3571 3576 3578 3584 3768-3769 3772 3774 3776-3777 3780-3782 3791 3793-3794 3801 3840 3853 3868 3888 3902 3935 3942 3956 3959 4038 4070 4094",
    ),
  ],
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

/** The codes of `256-360 399`. */
function listed(spans: string): number[] {
  return spans.split(" ").flatMap((span) => {
    const [from = 0, to = from] = span.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
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
/** AAA that is off says so in codes of its own; old firmware has no GSLB groups. Both have tests of their own. */
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
