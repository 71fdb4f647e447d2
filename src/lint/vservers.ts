import type { Estate } from "../model/estate.ts";
import type { PolicyBinding } from "../model/policy.ts";
import type { LbVserver, Vserver } from "../model/vserver.ts";
import { answersAll, isOff } from "../adc/idle-services.ts";
import { isPlaceholder } from "../adc/placeholders.ts";
import { csTargetOf } from "../adc/vserver-graph.ts";
import { setOptions, type Change, type OptionChange } from "./change.ts";
import {
  type LintContext,
  type LintService,
  type LintVserver,
  NTLM_DIRECTORIES,
  type Directory,
} from "./context.ts";
import type { Hit } from "./finding.ts";
import { portsOf, protocolOfPort } from "./ports.ts";
import type { Rule } from "./rule.ts";

/** Vservers: certificates, persistence, time-outs and features that change traffic. */
export const VSERVER_RULES: readonly Rule[] = [
  {
    id: "vserver_without_certificate",
    severity: "error",
    meaning: "A TLS vserver without a certificate is DOWN.",
    find: withoutCertificate,
  },
  {
    id: "vserver_without_service",
    severity: "warning",
    meaning:
      "A vserver has policies, but nothing that can answer, so that clients get no response.",
    find: withoutService,
  },
  {
    id: "persistence_longer_than_drain",
    severity: "warning",
    meaning: "Clients of Exchange stay on a server for longer than it is drained.",
    find: persistenceLongerThanDrain,
  },
  {
    id: "authorization_persistence",
    severity: "warning",
    meaning: "Persistence by the Authorization header breaks NTLM.",
    find: authorizationPersistence,
  },
  {
    id: "client_timeout_too_short",
    severity: "warning",
    meaning: "The protocol's idle time is longer than the vserver's time-out.",
    find: clientTimeoutTooShort,
  },
  {
    id: "cache_on_exchange",
    severity: "warning",
    meaning: "Caching in front of Exchange serves stale pages and breaks logins.",
    find: optimisation("cache", "caching"),
  },
  {
    id: "feo_on_exchange",
    severity: "warning",
    meaning: "Front-end optimisation in front of Exchange breaks its pages.",
    find: optimisation("feo", "front-end optimisation"),
  },
];

const TLS_VSERVERS: ReadonlySet<string> = new Set(["SSL", "SSL_TCP", "HTTP_QUIC", "DTLS"]);

/** A file without any certificate is more often an excerpt than a mistake. */
function withoutCertificate(context: LintContext): Hit[] {
  const isExcerpt = context.estate.extent === "excerpt";
  const mentions =
    context.estate.certKeys.size > 0 ||
    context.vservers.some(({ vserver }) => vserver.certKeys.length > 0);
  if (context.estate.filtered === true || (isExcerpt && !mentions)) {
    // Whoever shows a part of a configuration without any certificate has left them out, and a search may not find them.
    return [];
  }
  const tells = mentions && !isExcerpt;
  // A certificate bound by the wrong command is reported there; this finding would only be its consequence.
  const misbound = new Set(
    context.estate.diagnostics
      .filter(({ reference }) => reference?.found.includes("certificate key"))
      .map(({ object }) => object),
  );
  return context.vservers
    .filter(
      ({ vserver }) =>
        vserver.enabled &&
        TLS_VSERVERS.has(vserver.serviceType) &&
        // Whoever gives a template's vserver its name also gives it its certificate.
        !isPlaceholder(vserver.name) &&
        vserver.certKeys.every(({ ca }) => ca) &&
        !misbound.has(vserver.name),
    )
    .map(({ vserver }) => ({
      severity: tells ? "error" : "info",
      line: vserver.line,
      object: vserver.name,
      message:
        "No certificate is bound to this vserver, whose clients speak TLS: the ADC keeps it DOWN (Certkey not bound), " +
        "behind content switching too.",
      fix: [
        {
          apply: {
            kind: "bind ssl vserver",
            words: [vserver.name],
            options: [["certkeyName", [{ blank: "certKey" }]]],
          },
          undo: [],
        },
      ],
    }));
}

/**
 * Only a whole configuration shows that nothing is bound. Targets of other kinds (VPN, GSLB, authentication) have no
 * services and answer. A vserver that redirects or has a backup may be DOWN on purpose, and a content-switching vserver
 * is UP without targets: its responder policies may be all that it is for.
 */
function withoutService({ estate }: LintContext): Hit[] {
  const isPart = estate.extent !== undefined || isExtract(estate);
  if (isPart || estate.globalResponderPolicies.length > 0) {
    return [];
  }
  const idle = new Set(
    [...estate.lbVservers.values()].filter(answersNothing).map(({ name }) => name),
  );
  const unanswered = [...estate.csVservers.values()].filter(
    (vserver) =>
      vserver.enabled &&
      vserver.targets.length > 0 &&
      (vserver.defaultTarget === null || idle.has(vserver.defaultTarget)) &&
      !answersWhenDown(vserver) &&
      !answersAll(estate, vserver) &&
      vserver.targets.every((binding) => idle.has(csTargetOf(estate, binding) ?? "")),
  );
  const empty = [...estate.lbVservers.values()].filter(
    ({ name, enabled, policies }) => enabled && policies.length > 0 && idle.has(name),
  );
  return [
    ...empty.map(({ name, line }) => ({
      line,
      object: name,
      message:
        "Policies are bound to this vserver, but no service: it is DOWN, and the ADC evaluates policies of a vserver only " +
        "while it is UP.",
    })),
    ...unanswered.map(({ name, line }) => ({
      line,
      object: name,
      message:
        "Every policy leads to a vserver that is disabled or has no service, and no default answers instead: clients get " +
        "no response.",
    })),
  ];
}

/** Below a saved configuration's first line, only a part of it: most vservers have lost their services, it seems. */
function isExtract({ lbVservers }: Estate): boolean {
  const needing = [...lbVservers.values()].filter((vserver) => !answersWhenDown(vserver));
  const bound = needing.filter(({ services }) => services.length > 0);
  return bound.length * 2 < needing.length;
}

/** Disabled, or without a service, a backup and a redirect. */
function answersNothing(vserver: LbVserver): boolean {
  return (vserver.services.length === 0 || !vserver.enabled) && !answersWhenDown(vserver);
}

function answersWhenDown({ backupVserver, redirectUrl, httpsRedirectUrl }: Vserver): boolean {
  return [backupVserver, redirectUrl, httpsRedirectUrl].some((way) => way !== null);
}

/**
 * While an entry exists, its client is still sent to a server that is being drained (NetScaler docs, "Graceful
 * shutdown"). One text for all vservers, because the cause is one.
 */
function persistenceLongerThanDrain(context: LintContext): Hit[] {
  const { drainMs } = context.settings;
  const mayNeedIt = needsAffinity(context);
  const sticky = context.vservers.flatMap(({ vserver, exchange, services }) =>
    vserver.kind === "lb" &&
    vserver.enabled &&
    exchange &&
    vserver.persistence.type !== "NONE" &&
    !services.every(({ service }) => isOff(service)) &&
    !services.some(mayNeedIt)
      ? [vserver]
      : [],
  );
  const limited = sticky.filter(({ persistence: { timeoutMs } }) => timeoutMs > drainMs);
  const times = [...new Set(limited.map(({ persistence: { timeoutMs } }) => timeoutMs))].sort(
    (a, b) => a - b,
  );
  return [
    ...limited.map((vserver) => ({
      ...shorterPersistence(vserver, drainMs),
      message:
        `Persistence lasts ${alternatives(times.map(minutes))}, longer than a drain of ${minutes(drainMs)}: clients are still sent ` +
        "to a server when work on it begins.",
    })),
    ...sticky
      .filter(({ persistence: { timeoutMs } }) => timeoutMs === 0)
      .map((vserver): Hit => ({
        ...shorterPersistence(vserver, drainMs),
        severity: "info",
        message:
          "Persistence lasts until the client discards it (-timeout 0): clients that stay open are still sent to a server " +
          "when work on it begins.",
        decision: "leave it if servers are only drained when nobody works",
      })),
  ];
}

function shorterPersistence({ name, line, persistence }: LbVserver, drainMs: number) {
  const from = String(persistence.timeoutMs / 60_000);
  const fix = [
    setOptions("lb vserver", name, [{ key: "timeout", to: String(drainMs / 60_000), from }]),
  ];
  return { line, object: name, fix };
}

function alternatives(texts: readonly string[]): string {
  return [texts.slice(0, -1).join(", "), ...texts.slice(-1)]
    .filter((text) => text !== "")
    .join(" or ");
}

/**
 * Exchange 2010 keeps a session on one server: OWA asks for the password again on another, and RPC Client Access, which
 * no later version has, breaks (Microsoft docs, "Load balancing requirements of Exchange protocols").
 */
function needsAffinity({ services }: LintContext): (one: LintService) => boolean {
  const keys = ({ service }: LintService): readonly string[] =>
    service.members.map(({ address, server }) => address ?? server);
  const old = new Set(
    services
      .filter(
        ({ exchange, onExchange, service }) =>
          exchange?.version === "2010" ||
          (onExchange && service.members.some(({ port }) => port === RPC_ENDPOINT_MAPPER)),
      )
      .flatMap(keys),
  );
  return (one) => keys(one).some((key) => old.has(key));
}

const RPC_ENDPOINT_MAPPER = 135;

/**
 * NTLM sends a new Authorization header in each of its three steps: if they go to different servers, the login fails.
 */
function authorizationPersistence(context: LintContext): Hit[] {
  return context.vservers.flatMap(({ vserver, directories, exchange }) => {
    if (vserver.kind !== "lb" || vserver.persistence.type !== "RULE" || !exchange) {
      return [];
    }
    const basicOnly = directories.size > 0 && [...directories].every(isBasicDirectory);
    if (basicOnly || !/authorization/i.test(vserver.persistence.rule ?? "")) {
      return [];
    }
    const minutesNow = String(vserver.persistence.timeoutMs / 60_000);
    return [
      {
        line: vserver.line,
        object: vserver.name,
        message:
          "Persistence uses the Authorization header, which NTLM changes with every step of a login: Outlook prompts for " +
          "the password again and again.",
        fix: [
          {
            apply: setOptions("lb vserver", vserver.name, [
              { key: "persistenceType", to: "SOURCEIP", from: undefined },
              { key: "timeout", to: "30", from: minutesNow },
            ]).apply,
            undo: [
              {
                kind: "set lb vserver",
                words: [vserver.name],
                options: [
                  ["persistenceType", ["RULE"]],
                  ["rule", [vserver.persistence.rule ?? ""]],
                  ["timeout", [minutesNow]],
                ],
              },
            ],
          },
        ],
      },
    ];
  });
}

function isBasicDirectory(directory: Directory): boolean {
  return directory === "activesync";
}

/**
 * Idle times that a protocol allows, in seconds: IMAP 30 min (RFC 3501, autologout), SMTP 5 min (RFC 5321);
 * ActiveSync's Direct Push up to 30 min, RPC over HTTP the 20 min of the recommended TCP keep-alive (Microsoft docs).
 * A client of POP3 fetches its mail and leaves.
 */
const SILENCE_OF_PORT = [
  ["imap", 1_800],
  ["smtp", 300],
] as const;
const SILENCE_OF_DIRECTORY = [
  ["activesync", 1_800],
  ["rpc", 1_200],
] as const;

/**
 * The time-out of the vserver that has the address applies to clients, not that of vservers behind content switching.
 */
function clientTimeoutTooShort(context: LintContext): Hit[] {
  return context.vservers.flatMap((one) => {
    const { vserver } = one;
    if (vserver.address === null || one.services.length === 0) {
      return [];
    }
    const needed = neededSilence(one);
    const timeout = (vserver.clientTimeoutMs ?? defaultClientTimeoutMs(vserver)) / 1000;
    if (needed === null || timeout >= needed.seconds) {
      return [];
    }
    const change: OptionChange = {
      key: "cltTimeout",
      to: String(needed.seconds),
      from: vserver.clientTimeoutMs === null ? undefined : String(timeout),
    };
    return [
      {
        line: vserver.line,
        object: vserver.name,
        message:
          `A client that is idle for ${String(timeout)} s is disconnected, but ${NAMES[needed.what]} may be idle for ` +
          `${String(needed.seconds)} s: sessions break although nothing is wrong.`,
        fix: [
          setOptions(vserver.kind === "lb" ? "lb vserver" : "cs vserver", vserver.name, [change]),
        ],
      },
    ];
  });
}

const NAMES = {
  imap: "IMAP",
  smtp: "SMTP",
  activesync: "ActiveSync",
  rpc: "Outlook Anywhere",
} as const;

function neededSilence(one: LintVserver): { what: keyof typeof NAMES; seconds: number } | null {
  const ports = one.services.flatMap(({ service }) => portsOf(service)).map(protocolOfPort);
  const directories = one.exchange ? [...one.directories] : [];
  const allowed = [
    ...SILENCE_OF_PORT.filter(([what]) => ports.includes(what)),
    ...SILENCE_OF_DIRECTORY.filter(([what]) => directories.includes(what)),
  ];
  const [longest] = [...allowed].sort(([, a], [, b]) => b - a);
  return longest === undefined ? null : { what: longest[0], seconds: longest[1] };
}

/** NetScaler command reference, `-cltTimeout`: by the vserver's type. */
function defaultClientTimeoutMs({ serviceType }: Vserver): number {
  return ["HTTP", "SSL"].includes(serviceType) ? 180_000 : 9_000_000;
}

/** Both rewrite or delay what OWA and MAPI sign, stamp and stream. */
function optimisation(feature: string, words: string): (context: LintContext) => Hit[] {
  const fragile: readonly Directory[] = ["owa", "ecp", ...NTLM_DIRECTORIES];
  return (context) =>
    context.vservers.flatMap(({ vserver, directories, exchange }) => {
      const served = fragile.filter((directory) => directories.has(directory));
      if (!exchange || served.length === 0) {
        return [];
      }
      return vserver.policies
        .filter(({ policy }) => context.estate.policies.get(policy)?.feature === feature)
        .map((binding) => ({
          line: binding.line,
          object: vserver.name,
          message:
            `Policy ${binding.policy} puts ${words} before ${served.join(", ")}: pages are stale or broken and users ` +
            "have to log in again, while every monitor passes.",
          fix: [unbindPolicy(vserver, binding)],
        }));
    });
}

/**
 * Unbinds a policy from a vserver; undone by binding it as before. If it is bound more than once, bind point and
 * priority say which.
 */
function unbindPolicy(vserver: Vserver, binding: PolicyBinding): Change {
  const { policy, priority, goto, bindPoint, invoke } = binding;
  const several = vserver.policies.filter((one) => one.policy === policy).length > 1;
  const which: [string, readonly string[]][] = [["policyName", [policy]]];
  if (several && bindPoint !== null) {
    which.push(["type", [bindPoint]]);
  }
  if (several && priority !== null) {
    which.push(["priority", [String(priority)]]);
  }
  const how: [string, readonly string[]][] = [["policyName", [policy]]];
  if (priority !== null) {
    how.push(["priority", [String(priority)]]);
  }
  if (goto !== null) {
    how.push(["gotoPriorityExpression", [goto]]);
  }
  if (bindPoint !== null) {
    how.push(["type", [bindPoint]]);
  }
  if (invoke !== undefined) {
    how.push(["invoke", invoke]);
  }
  const words = [vserver.name];
  return {
    apply: {
      kind: `unbind ${vserver.kind} vserver`,
      words,
      options: which,
    },
    undo: [{ kind: `bind ${vserver.kind} vserver`, words, options: how }],
  };
}

function minutes(ms: number): string {
  return `${String(ms / 60_000)} min`;
}
