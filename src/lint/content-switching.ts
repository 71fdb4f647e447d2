import type { Policy } from "../model/policy.ts";
import type { CsBinding, CsVserver, Vserver } from "../model/vserver.ts";
import { parseRule, type RuleTree } from "../adc/rule-expression.ts";
import { matchesRule } from "../adc/rule-match.ts";
import { csTargetOf } from "../adc/vserver-graph.ts";
import { setOptions, type Change, type Fix } from "./change.ts";
import type { LintContext } from "./context.ts";
import type { Hit } from "./finding.ts";
import { answersAll } from "../adc/idle-services.ts";
import type { Value } from "../adc/nsconf/grammar.ts";
import type { Rule } from "./rule.ts";

/** Content-switching vservers: their state, and which request goes where. */
export const CONTENT_SWITCHING_RULES: readonly Rule[] = [
  {
    id: "cs_without_stateupdate",
    severity: "warning",
    meaning:
      "A content-switching vserver is UP as long as it is enabled, even if everything behind it is DOWN.",
    find: withoutStateUpdate,
  },
  {
    id: "cs_passes_every_url",
    severity: "warning",
    meaning:
      "Requests that no policy matches still reach Exchange: omitting a directory from the policies blocks nothing.",
    find: passesEveryUrl,
  },
  {
    id: "cs_policies_overlap",
    severity: "warning",
    meaning:
      "Two policies match one of Exchange's requests, so only their priority decides which server gets it.",
    find: policiesOverlap,
  },
];

function csVservers(context: LintContext): CsVserver[] {
  return context.vservers.flatMap(({ vserver }) => (vserver.kind === "cs" ? [vserver] : []));
}

/**
 * NetScaler docs, "Content switching": without it the vserver is UP as long as it is enabled. A vserver with no service
 * behind it only redirects: with its targets' state it would be DOWN. It is the firmware's default, and not worth a word
 * where nothing depends on the state; at Exchange people read it all the same.
 */
function withoutStateUpdate(context: LintContext): Hit[] {
  const members = memberAddresses(context);
  return context.vservers
    .filter(
      ({ vserver, services, exchange }) =>
        vserver.kind === "cs" &&
        !vserver.stateUpdate &&
        vserver.enabled &&
        services.length > 0 &&
        (exchange || dependsOnState(vserver, members)) &&
        !answersAll(context.estate, vserver),
    )
    .map(({ vserver }): Hit => {
      const isWaitedFor = dependsOnState(vserver, members);
      const consequence = isWaitedFor
        ? "so what waits for it to be DOWN (a backup, a redirect, GSLB) never takes over"
        : "so its state says nothing about the service";
      return {
        line: vserver.line,
        object: vserver.name,
        message: `The vserver is UP as long as it is enabled, even if every vserver behind it is DOWN, ${consequence}.`,
        ...(isWaitedFor ? null : { severity: "info" }),
        fix: [
          setOptions("cs vserver", vserver.name, [
            { key: "stateupdate", to: "ENABLED", from: undefined },
          ]),
        ],
        decision:
          "leave it if clients must get a response while every server is DOWN (a redirect, an error page)",
      };
    });
}

/**
 * A backup vserver and a redirect wait for DOWN, and so does everything that sends clients to its address, such as
 * GSLB.
 */
function dependsOnState(vserver: Vserver, members: ReadonlySet<string>): boolean {
  return (
    vserver.backupVserver !== null ||
    vserver.redirectUrl !== null ||
    (vserver.address !== null && members.has(vserver.address))
  );
}

function memberAddresses({ estate }: LintContext): ReadonlySet<string> {
  const services = [...estate.services.values(), ...estate.gslb.services.values()];
  return new Set(
    services.flatMap(({ members }) => members.flatMap(({ address }) => address ?? [])),
  );
}

/** Directories without a rule (`/powershell`, `/ecp`) are then published too, bypassing every other rule. */
function passesEveryUrl(context: LintContext): Hit[] {
  const exchange = new Set(
    context.vservers.filter((one) => one.exchange).map(({ vserver }) => vserver.name),
  );
  // A vserver that redirects every request passes none to Exchange.
  const answering = new Set(
    context.vservers
      .filter(({ vserver }) => answersAll(context.estate, vserver))
      .map(({ vserver }) => vserver.name),
  );
  const passes = (target: string): boolean => exchange.has(target) && !answering.has(target);
  return csVservers(context).flatMap((vserver): Hit[] => {
    if (!exchange.has(vserver.name)) {
      return [];
    }
    const candidates = vserver.targets.flatMap((binding) => candidateOf(context, binding));
    const byPath = candidates.filter(({ policy }) => policy.literals.urls.length > 0);
    const { defaultTarget } = vserver;
    if (defaultTarget !== null && byPath.length > 0 && passes(defaultTarget)) {
      return [
        {
          line: vserver.line,
          object: vserver.name,
          message:
            `Requests that no policy matches go to the default ${defaultTarget}: every URL is published, and omitting one from ` +
            "the policies blocks nothing.",
        },
      ];
    }
    return candidates.flatMap((one) => {
      const host = hostThatTakesAll(one);
      const rivals = byPath.filter((other) => other !== one && mayTakeHost(other, host ?? null));
      return host === undefined || rivals.length === 0 || !passes(one.target ?? "")
        ? []
        : [
            {
              line: one.policy.line,
              object: one.policy.name,
              message:
                `The policy matches every URL${host === null ? "" : ` of ${host}`}: requests that the other policies of ` +
                `${vserver.name} do not match still reach ${one.target ?? "its target"}.`,
              fix: narrowed(one),
            },
          ];
    });
  });
}

/** Requests that no sensible rule for one directory matches. */
const STRANGE_PATHS = ["/", "/powershell/", "/zzz-not-published/x"];

/** The host for which this rule matches every URL; null: any host; undefined: none. */
function hostThatTakesAll({ tree, policy }: Candidate): string | null | undefined {
  const hosts = policy.literals.hosts.filter(({ negated }) => !negated).map(({ value }) => value);
  return [null, ...hosts].find((host) =>
    STRANGE_PATHS.every((path) => matchesRule(tree, { path, host }) === true),
  );
}

function mayTakeHost({ tree, policy }: Candidate, host: string | null): boolean {
  return policy.literals.urls.some(
    ({ value }) => matchesRule(tree, { path: slashed(value), host }) !== false,
  );
}

/**
 * The rule as configured, restricted to one directory, which the administrator has to choose. Null where that would also
 * restrict other branches, and for a classic policy, to which an advanced expression cannot be added.
 */
function narrowed({ policy, tree }: Candidate): Fix | null {
  if (tree.kind === "or" || !/\bHTTP\.REQ\./i.test(policy.rule)) {
    return null;
  }
  const around = `(${policy.rule}) && HTTP.REQ.URL.PATH.SET_TEXT_MODE(IGNORECASE).STARTSWITH("{}")`;
  return [setRule(policy, { blank: "/directory", around })];
}

function setRule(policy: Policy, rule: Value): Change {
  const words = [policy.name];
  return {
    apply: { kind: "set cs policy", words, options: [["rule", [rule]]] },
    undo: [{ kind: "set cs policy", words, options: [["rule", [policy.rule]]] }],
  };
}

/** Requests of Exchange's clients, including the one by which an overlap was first noticed. */
const REAL_PATHS: readonly string[] = [
  ...["/owa/", "/owa/auth/logon.aspx", "/owa/service.svc", "/owa/healthcheck.htm"],
  "/owa/prem/15.1.1466.8/resources/images/0/ewsprite1.mouse.css",
  ...["/ecp/", "/ecp/default.aspx", "/ews/exchange.asmx", "/EWS/Exchange.asmx"],
  ...["/mapi/emsmdb/", "/mapi/nspi/", "/rpc/rpcproxy.dll", "/OAB/", "/PowerShell/"],
  ...["/Microsoft-Server-ActiveSync", "/Autodiscover/Autodiscover.xml"],
  "/autodiscover/autodiscover.json",
];

/**
 * `/owa/prem/…/ewsprite1.mouse.css` contains `/ews` and `/owa`: two policies match one request, and the lower priority
 * number decides. Proven by a realistic request: one of Exchange's, or a literal of the file. One finding per policy
 * that searches the whole URL.
 */
function policiesOverlap(context: LintContext): Hit[] {
  const exchange = new Set(
    context.vservers.filter((one) => one.exchange).map(({ vserver }) => vserver.name),
  );
  return csVservers(context)
    .filter(({ name }) => exchange.has(name))
    .flatMap((vserver) => {
      const candidates = vserver.targets
        .flatMap((binding) => candidateOf(context, binding))
        .filter(({ policy }) => policy.literals.urls.length > 0);
      const literals = candidates.flatMap(({ policy }) =>
        policy.literals.urls
          .filter(({ negated, operator }) => !negated && operator !== "PATTERN")
          .map(({ value }) => slashed(value)),
      );
      const paths = [...new Set([...REAL_PATHS, ...literals])];
      const taken = createTaken(paths);
      return candidates.filter(searchesAnywhere).flatMap((one) => {
        for (const rival of candidates) {
          const shared = rival.target === one.target ? null : sharedPath(one, rival, taken);
          if (shared !== null && (isMended(one, rival, paths) || !isMended(rival, one, paths))) {
            return [overlap(vserver, one, rival, shared, paths)];
          }
        }
        return [];
      });
    });
}

interface Candidate {
  readonly policy: Policy;
  readonly tree: RuleTree;
  readonly target: string | null;
  readonly priority: number;
}

function candidateOf(context: LintContext, binding: CsBinding): Candidate[] {
  const policy = context.estate.policies.get(binding.policy);
  return policy === undefined
    ? []
    : [
        {
          policy,
          tree: context.treeOf(policy),
          target: csTargetOf(context.estate, binding),
          priority: binding.priority ?? Infinity,
        },
      ];
}

function searchesAnywhere({ policy }: Candidate): boolean {
  return policy.literals.urls.some(({ operator, negated }) => operator === "CONTAINS" && !negated);
}

/** The first request that both rules certainly match. */
function sharedPath(
  one: Pick<Candidate, "tree" | "policy">,
  other: Candidate,
  taken: Taken,
): string | null {
  const hosts = [...one.policy.literals.hosts, ...other.policy.literals.hosts]
    .filter(({ negated }) => !negated)
    .map(({ value }) => value);
  for (const host of [null, ...hosts]) {
    const ofOther = taken(other.tree, host);
    const found = [...taken(one.tree, host)].find((path) => ofOther.has(path));
    if (found !== undefined) {
      return found;
    }
  }
  return null;
}

/** The paths that a rule certainly matches for a host, in order. */
type Taken = (tree: RuleTree, host: string | null) => ReadonlySet<string>;

function createTaken(paths: readonly string[]): Taken {
  const known = new Map<RuleTree, Map<string | null, ReadonlySet<string>>>();
  return (tree, host) => {
    const ofTree = known.get(tree) ?? new Map<string | null, ReadonlySet<string>>();
    known.set(tree, ofTree);
    const found =
      ofTree.get(host) ??
      new Set(paths.filter((path) => matchesRule(tree, { path, host }) === true));
    ofTree.set(host, found);
    return found;
  };
}

function overlap(
  vserver: CsVserver,
  one: Candidate,
  rival: Candidate,
  shared: string,
  paths: readonly string[],
): Hit {
  const winner = one.priority <= rival.priority ? one : rival;
  return {
    line: one.policy.line,
    object: one.policy.name,
    message:
      `This policy and ${rival.policy.name} of ${vserver.name} both match "${shared}"; ${winner.policy.name} wins only because of its ` +
      "priority. The rule searches the whole URL for text that should only be at its beginning.",
    fix: isMended(one, rival, paths) ? [setRule(one.policy, anchored(one.policy.rule))] : null,
  };
}

/** Whether the overlap is gone if the first rule checks the beginning of the URL. */
function isMended(one: Candidate, rival: Candidate, paths: readonly string[]): boolean {
  const rule = anchored(one.policy.rule);
  return (
    rule !== one.policy.rule &&
    sharedPath({ tree: parseRule(rule), policy: one.policy }, rival, createTaken(paths)) === null
  );
}

/**
 * Makes comparisons that search a URL for a directory check its beginning instead; the rest of the rule is unchanged.
 */
function anchored(rule: string): string {
  return rule.replace(
    /\bHTTP\.REQ\.URL(?:\.PATH_AND_QUERY|\.PATH)?(?:\.SET_TEXT_MODE\(\s*IGNORECASE\s*\)|\.TO_LOWER)?\.CONTAINS\(\s*"(\/[^"\\]*)"\s*\)/gi,
    (_whole, value: string) => `HTTP.REQ.URL.PATH.SET_TEXT_MODE(IGNORECASE).STARTSWITH("${value}")`,
  );
}

function slashed(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
}
