import type { Estate } from "../model/estate.ts";
import type { PolicyBinding } from "../model/policy.ts";
import { csTargetOf } from "../adc/vserver-graph.ts";
import { command, commands } from "./commands.ts";
import type { LintContext, LintVserver } from "./context.ts";
import { NTLM_DIRECTORIES } from "./directories.ts";
import type { Hit } from "./finding.ts";
import type { Rule } from "./rule.ts";

/** Logins at the ADC (AAA) in front of Exchange. */
export const AUTHENTICATION_RULES: readonly Rule[] = [
  { id: "authentication_without_sso", severity: "warning", find: withoutSso },
  { id: "aaa_policy_first", severity: "warning", find: aaaPolicyFirst },
  { id: "authentication_host_is_mail_host", severity: "error", find: hostIsMailHost },
  { id: "ntlm_without_kcd", severity: "warning", find: ntlmWithoutKcd },
];

function authenticating(context: LintContext): LintVserver[] {
  return context.vservers.filter(({ vserver }) => {
    const { form, http401 } = vserver.authentication;
    return form || http401;
  });
}

/** Policies at the vserver and at the AAA vserver that it sends to. */
function bindingsFor(estate: Estate, { vserver }: LintVserver): readonly PolicyBinding[] {
  const aaa = estate.authenticationVservers.get(vserver.authentication.vserver ?? "");
  return [...vserver.policies, ...(aaa?.policies ?? [])];
}

const PASSING_ON: ReadonlySet<string> = new Set(["tm traffic", "tm session", "authorization"]);

/** The ADC has taken the password, and Exchange asks for it again; since 13.0-41.20 it may also deny by default. */
function withoutSso(context: LintContext): Hit[] {
  const { estate } = context;
  return authenticating(context)
    .filter(
      (one) =>
        !bindingsFor(estate, one).some(({ policy }) =>
          PASSING_ON.has(estate.policies.get(policy)?.feature ?? ""),
        ),
    )
    .map(({ vserver }) => ({
      line: vserver.line,
      object: vserver.name,
      message:
        `${vserver.name} logs clients in, but no traffic, session or authorization policy at it or at its ` +
        "authentication vserver passes the login on: Exchange asks again, or the ADC answers " +
        '"Not a privileged User".',
      fix: commands(
        command("add", "tm", "trafficAction", `${vserver.name}_sso`, "-SSO", "ON"),
        command("add", "tm", "trafficPolicy", `${vserver.name}_sso`, "true", `${vserver.name}_sso`),
        command(
          ...["bind", vserver.kind, "vserver", vserver.name, "-policyName", `${vserver.name}_sso`],
          ...["-priority", 100, "-type", "REQUEST"],
        ),
      ),
    }));
}

/** Before the mail's own policies it can take their requests; the login then has no page to return to. */
function aaaPolicyFirst(context: LintContext): Hit[] {
  const { estate } = context;
  return [...estate.csVservers.values()].flatMap((vserver) => {
    const isAaa = (target: string | null): boolean =>
      target !== null && estate.authenticationVservers.has(target);
    const split = vserver.targets.map((binding) => ({
      binding,
      aaa: isAaa(csTargetOf(estate, binding)),
    }));
    const mail = split.flatMap(({ binding, aaa }) => (aaa ? [] : [binding.priority ?? Infinity]));
    const last = Math.max(...mail);
    return split
      .filter(({ binding, aaa }) => aaa && mail.length > 0 && (binding.priority ?? Infinity) < last)
      .map(({ binding }) => ({
        line: binding.line,
        object: binding.policy,
        message:
          `Policy ${binding.policy} sends to the login before the policies of ${vserver.name} that send to the mail ` +
          'servers: "Target URL not found for redirect after successful login" is what users see.',
        fix: commands(
          command("unbind", "cs", "vserver", vserver.name, "-policyName", binding.policy),
          command(
            ...["bind", "cs", "vserver", vserver.name, "-policyName", binding.policy],
            ...["-priority", Number.isFinite(last) ? last + 10 : 1000],
          ),
        ),
      }));
  });
}

/** The login's own address then is protected by the login: a circle. */
function hostIsMailHost(context: LintContext): Hit[] {
  const { estate } = context;
  return authenticating(context).flatMap(({ vserver }) => {
    const host = vserver.authentication.host?.toLowerCase() ?? "";
    const mailHosts = [...estate.csVservers.values()].flatMap((cs) =>
      cs.targets
        .filter((binding) => csTargetOf(estate, binding) === vserver.name)
        .flatMap((binding) => estate.policies.get(binding.policy)?.literals.hosts ?? [])
        .filter(({ operator, negated }) => operator === "EQ" && !negated)
        .map(({ value }) => value.toLowerCase()),
    );
    return host !== "" && mailHosts.includes(host)
      ? [
          {
            line: vserver.line,
            object: vserver.name,
            message:
              `${vserver.name} sends logins to ${host}, which is also the mail host it serves: ` +
              "the login page is behind the login, and browsers go round in a circle.",
            fix: command(
              "set",
              vserver.kind,
              "vserver",
              vserver.name,
              "-AuthenticationHost",
              "<aaa host>",
            ),
          },
        ]
      : [];
  });
}

/** The ADC cannot pass NTLM on: behind its login it needs Kerberos constrained delegation, or Basic at the server. */
function ntlmWithoutKcd(context: LintContext): Hit[] {
  const { estate } = context;
  return authenticating(context).flatMap((one) => {
    const paths = NTLM_DIRECTORIES.filter((directory) => one.directories.has(directory));
    const delegated = bindingsFor(estate, one).some(({ policy }) => {
      const action = estate.policies.get(policy)?.action ?? null;
      const told = action === null ? null : estate.actions.get(action)?.expression;
      return /-kcdaccount (?!"?none"?(\s|$))/i.test(told ?? "");
    });
    return paths.length === 0 || delegated
      ? []
      : [
          {
            line: one.vserver.line,
            object: one.vserver.name,
            message:
              `${one.vserver.name} logs clients in before ${paths.join(", ")}, whose clients use NTLM, and no ` +
              "kcdAccount lets the ADC log in for them: Outlook asks for the password for ever.",
            fix: commands(
              command(
                ...["add", "tm", "trafficAction", `${one.vserver.name}_kcd`],
                ...["-SSO", "ON", "-kcdAccount", "<kcdAccount>"],
              ),
              command(
                ...["add", "tm", "trafficPolicy", `${one.vserver.name}_kcd`, "true"],
                `${one.vserver.name}_kcd`,
              ),
              command(
                ...["bind", one.vserver.kind, "vserver", one.vserver.name],
                ...["-policyName", `${one.vserver.name}_kcd`, "-priority", 90, "-type", "REQUEST"],
              ),
            ),
          },
        ];
  });
}
