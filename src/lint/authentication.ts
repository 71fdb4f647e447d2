import type { Estate } from "../model/estate.ts";
import type { Policy } from "../model/policy.ts";
import type { CsBinding, Vserver } from "../model/vserver.ts";
import { csTargetOf } from "../adc/vserver-graph.ts";
import type { Value } from "../adc/nsconf/grammar.ts";
import type { Change, Fix } from "./change.ts";
import { type LintContext, type LintVserver, NTLM_DIRECTORIES } from "./context.ts";
import type { Hit } from "./finding.ts";
import type { Names } from "./names.ts";
import type { Rule } from "./rule.ts";

/** Logins at the ADC (AAA). */
export const AUTHENTICATION_RULES: readonly Rule[] = [
  {
    id: "authentication_without_sso",
    severity: "warning",
    meaning:
      "The ADC authenticates clients of Exchange but does not pass the login on (single sign-on).",
    find: withoutSso,
  },
  {
    id: "default_deny_without_authorization",
    severity: "error",
    meaning:
      "Every user is refused after login: the default is DENY, and no authorization policy allows anything.",
    find: defaultDeny,
  },
  {
    id: "aaa_policy_first",
    severity: "warning",
    meaning: "The policy for the login page has priority over those for the mail servers.",
    find: aaaPolicyFirst,
  },
  {
    id: "authentication_host_is_mail_host",
    severity: "error",
    meaning:
      "The login page has the host name of the site it protects, so that it redirects to itself.",
    find: hostIsMailHost,
  },
  {
    id: "ntlm_without_kcd",
    severity: "warning",
    meaning: "Outlook's directories are behind a login that cannot pass on NTLM.",
    find: ntlmWithoutKcd,
  },
];

function authenticating(context: LintContext): LintVserver[] {
  return context.vservers.filter(({ vserver }) => {
    const { form, http401 } = vserver.authentication;
    return form || http401;
  });
}

/**
 * Policies at the vserver, at content switching in front of it, at its AAA vserver, global ones (`bind tm global`), and
 * those of groups and users.
 */
function policiesFor(estate: Estate, { vserver }: LintVserver): readonly string[] {
  const aaa = estate.authenticationVservers.get(vserver.authentication.vserver ?? "");
  const inFront = [...estate.csVservers.values()].filter(
    ({ defaultTarget, targets }) =>
      defaultTarget === vserver.name ||
      targets.some((binding) => csTargetOf(estate, binding) === vserver.name),
  );
  const switched = inFront.flatMap(({ policies }) => policies);
  return [
    ...[...vserver.policies, ...switched, ...(aaa?.policies ?? [])].map(({ policy }) => policy),
    ...(estate.parameters.globalSessionPolicies ?? []),
    ...(estate.parameters.groupPolicies ?? []),
  ];
}

/**
 * Whether the policies bound to the login are unknown: then nothing can be said about single sign-on or authorization.
 */
function hasUnknownPolicies(estate: Estate, { vserver }: LintVserver): boolean {
  const { vserver: name } = vserver.authentication;
  const isUnknown =
    name !== null && estate.authenticationVservers.get(name)?.policies === undefined;
  return isUnknown || estate.parameters.groupPolicies === null;
}

function actionTexts(estate: Estate, policies: readonly string[]): string[] {
  return policies.map((policy) => {
    const action = estate.policies.get(policy)?.action ?? null;
    return (action === null ? null : estate.actions.get(action)?.expression) ?? "";
  });
}

const PASSING_ON: ReadonlySet<string> = new Set(["tm traffic", "tm session", "authorization"]);

/** The ADC has verified the password, but Exchange requests it again. */
function withoutSso(context: LintContext): Hit[] {
  const { estate } = context;
  if (estate.parameters.sessionSso) {
    return [];
  }
  return authenticating(context)
    .filter((one) => one.exchange && !hasUnknownPolicies(estate, one))
    .filter(
      (one) =>
        !policiesFor(estate, one).some((policy) =>
          PASSING_ON.has(estate.policies.get(policy)?.feature ?? ""),
        ),
    )
    .map(({ vserver }) => ({
      line: vserver.line,
      object: vserver.name,
      message:
        "The ADC authenticates clients, but no traffic, session or authorization policy here or at the authentication vserver " +
        'passes the login on: Exchange prompts again, or the ADC responds "Not a privileged User".',
      fix: trafficPolicy(context, vserver, "_sso", []),
    }));
}

/** A traffic action and its policy, bound with an unused priority. */
function trafficPolicy(
  context: LintContext,
  vserver: Vserver,
  suffix: string,
  more: readonly (readonly [string, readonly Value[]])[],
): Fix {
  const name = context.names.fresh(vserver.name, suffix);
  return [
    {
      apply: { kind: "add tm trafficAction", words: [name], options: [["SSO", ["ON"]], ...more] },
      undo: [{ kind: "rm tm trafficAction", words: [name], options: [] }],
    },
    {
      apply: { kind: "add tm trafficPolicy", words: [name, "true", name], options: [] },
      undo: [{ kind: "rm tm trafficPolicy", words: [name], options: [] }],
    },
    bindPolicy(context, vserver, name, [["type", ["REQUEST"]]]),
  ];
}

function bindPolicy(
  context: LintContext,
  vserver: Vserver,
  policy: string,
  more: readonly (readonly [string, readonly string[]])[],
): Change {
  const kind = `${vserver.kind} vserver`;
  const named = ["policyName", [policy]] as const;
  return {
    apply: {
      kind: `bind ${kind}`,
      words: [vserver.name],
      options: [named, ["priority", [String(context.names.freshPriority(vserver))]], ...more],
    },
    undo: [{ kind: `unbind ${kind}`, words: [vserver.name], options: [named] }],
  };
}

/** NetScaler docs, "Authorization policies": `-defaultAuthorizationAction` applies to what no policy allows. */
function defaultDeny(context: LintContext): Hit[] {
  const { estate } = context;
  const featureOf = (policy: string): string | undefined => estate.policies.get(policy)?.feature;
  // The bindings of a group that is not defined here may include a policy that allows it.
  const allowsByGroup = (estate.parameters.groupPolicies ?? []).some(
    (policy) => (featureOf(policy) ?? "authorization") === "authorization",
  );
  if (allowsByGroup) {
    return [];
  }
  return authenticating(context)
    .filter((one) => {
      const policies = policiesFor(estate, one);
      // A session action overrides the parameter.
      const texts = actionTexts(estate, policies).join(" ");
      const denies =
        /-defaultauthorizationaction deny/i.test(texts) ||
        (estate.parameters.sessionDeniesByDefault &&
          !/-defaultauthorizationaction allow/i.test(texts));
      return (
        denies &&
        !hasUnknownPolicies(estate, one) &&
        !policies.some((policy) => featureOf(policy) === "authorization")
      );
    })
    .map(({ vserver }) => {
      const name = context.names.fresh(vserver.name, "_allow");
      return {
        line: vserver.line,
        object: vserver.name,
        message:
          "The ADC authenticates clients, -defaultAuthorizationAction is DENY, and no authorization policy allows anything: " +
          'every user gets "Not a privileged User" after the login.',
        fix: [
          {
            apply: {
              kind: "add authorization policy",
              words: [name, "true", "ALLOW"],
              options: [],
            },
            undo: [{ kind: "rm authorization policy", words: [name], options: [] }],
          },
          bindPolicy(context, vserver, name, []),
        ],
        decision:
          "it allows everyone who can log in; use a narrower rule instead of true to restrict that",
      };
    });
}

/** If it comes before the mail's own policies it can match their requests; the login then has no page to return to. */
function aaaPolicyFirst(context: LintContext): Hit[] {
  const { estate } = context;
  const exchange = new Set(
    context.vservers.filter((one) => one.exchange).map(({ vserver }) => vserver.name),
  );
  return [...estate.csVservers.values()].flatMap((vserver) => {
    if (!exchange.has(vserver.name)) {
      return [];
    }
    const split = vserver.targets.map((binding) => {
      const target = csTargetOf(estate, binding);
      return { binding, aaa: target !== null && estate.authenticationVservers.has(target) };
    });
    const mail = split.flatMap(({ binding, aaa }) => (aaa ? [] : [binding.priority ?? Infinity]));
    const last = Math.max(...mail);
    const taken = new Set(vserver.targets.map(({ priority }) => priority));
    return split
      .filter(({ binding, aaa }) => aaa && mail.length > 0 && (binding.priority ?? Infinity) < last)
      .map(({ binding }) => {
        let priority = Number.isFinite(last) ? last + 10 : 1_000;
        while (taken.has(priority)) {
          priority += 10;
        }
        taken.add(priority);
        const policy = estate.policies.get(binding.policy);
        const fix =
          policy === undefined
            ? null
            : movedTo(context.names, vserver.name, policy, binding, priority);
        return {
          line: binding.line,
          object: binding.policy,
          message:
            `The policy redirects to the login before the policies of ${vserver.name} route to the mail servers: ` +
            `users see "Target URL not found for redirect after successful login".${fix === null ? BY_HAND : ""}`,
          fix,
        };
      });
  });
}

const BY_HAND =
  " Bind a policy with the same rule behind them before this one is unbound, so that the login always works.";

/** `REQ.HTTP.URL == '/a'`, or a URL or domain instead of a rule: the ADC may refuse a second one with the same. */
const CLASSIC = /^$|(?:^|[^.\w])REQ\.|^\(?ns_/i;

/**
 * Changes a policy's priority. The ADC can only unbind it and bind it again, and between the two nobody could log in:
 * therefore a copy is bound first. Target and `-gotoPriorityExpression` stay. Null if its rule cannot be copied.
 */
function movedTo(
  names: Names,
  vserver: string,
  { rule, action, logAction }: Policy,
  binding: CsBinding,
  to: number,
): Fix | null {
  if (CLASSIC.test(rule)) {
    return null;
  }
  // The target of a policy with an action is that of the action.
  const target = action === null ? binding.target : null;
  const copy = names.fresh(binding.policy, "_last");
  const option = (key: string, value: string | null | undefined) =>
    value === null || value === undefined ? [] : [[key, [value]] as const];
  const bound = (policy: string, priority: number | null): Change["apply"] => ({
    kind: "bind cs vserver",
    words: [vserver],
    options: [
      ["policyName", [policy]],
      ...option("targetLBVserver", target),
      ...option("priority", priority === null ? null : String(priority)),
      ...option("gotoPriorityExpression", binding.goto),
    ],
  });
  const unbound = (policy: string): Change["apply"] => ({
    kind: "unbind cs vserver",
    words: [vserver],
    options: [["policyName", [policy]]],
  });
  return [
    {
      apply: {
        kind: "add cs policy",
        words: [copy],
        options: [["rule", [rule]], ...option("action", action), ...option("logAction", logAction)],
      },
      undo: [{ kind: "rm cs policy", words: [copy], options: [] }],
    },
    { apply: bound(copy, to), undo: [unbound(copy)] },
    { apply: unbound(binding.policy), undo: [bound(binding.policy, binding.priority)] },
  ];
}

/** The login's own address would then require that login: an endless redirect. */
function hostIsMailHost(context: LintContext): Hit[] {
  const { estate } = context;
  const hostsOf = mailHosts(estate);
  return authenticating(context).flatMap(({ vserver }) => {
    const host = vserver.authentication.host?.toLowerCase() ?? "";
    const kind = vserver.kind === "lb" ? "lb vserver" : "cs vserver";
    const key = "AuthenticationHost";
    return host !== "" && hostsOf.get(vserver.name)?.has(host) === true
      ? [
          {
            line: vserver.line,
            object: vserver.name,
            message:
              `Logins are redirected to ${host}, which is also the host name served here: the login page itself requires a login, ` +
              "so browsers end in a redirect loop.",
            fix: [
              {
                apply: {
                  kind: `set ${kind}`,
                  words: [vserver.name],
                  options: [[key, [{ blank: "host name of the login" }]]],
                },
                undo: [
                  {
                    kind: `set ${kind}`,
                    words: [vserver.name],
                    options: [[key, [vserver.authentication.host ?? host]]],
                  },
                ],
              },
            ],
          },
        ]
      : [];
  });
}

/** The host names that content switching routes to each vserver, in lower case. */
function mailHosts(estate: Estate): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const { targets } of estate.csVservers.values()) {
    for (const binding of targets) {
      const target = csTargetOf(estate, binding) ?? "";
      const known = found.get(target) ?? new Set<string>();
      found.set(target, known);
      for (const { operator, negated, value } of estate.policies.get(binding.policy)?.literals
        .hosts ?? []) {
        if (operator === "EQ" && !negated) {
          known.add(value.toLowerCase());
        }
      }
    }
  }
  return found;
}

/** The ADC cannot pass NTLM on: behind its login it needs Kerberos constrained delegation, or Basic at the server. */
function ntlmWithoutKcd(context: LintContext): Hit[] {
  const { estate } = context;
  return authenticating(context).flatMap((one) => {
    const isNtlm = NTLM_DIRECTORIES.some((directory) => one.directories.has(directory));
    const delegated = actionTexts(estate, policiesFor(estate, one)).some((text) =>
      /-kcdaccount (?!"?none"?(\s|$))/i.test(text),
    );
    return !one.exchange || !isNtlm || delegated || hasUnknownPolicies(estate, one)
      ? []
      : [
          {
            line: one.vserver.line,
            object: one.vserver.name,
            message:
              "The ADC authenticates clients before directories where Outlook uses NTLM (such as /ews or /mapi), and there is no " +
              "kcdAccount for the ADC to log in on their behalf: Outlook prompts for the password endlessly.",
            fix: trafficPolicy(context, one.vserver, "_kcd", [
              ["kcdAccount", [{ blank: "kcdAccount" }]],
            ]),
          },
        ];
  });
}
