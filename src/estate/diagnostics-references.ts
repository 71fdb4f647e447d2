import type { Diagnostic, Estate } from "./model.ts";
import type { SourceLine } from "./source-line.ts";
import type { Vserver } from "./vserver.ts";

/** References from one object to another that lead nowhere, or to an object of another kind. */
export function referenceDiagnostics(estate: Estate): Diagnostic[] {
  const found: Diagnostic[] = [];
  const kinds = kindsByName(estate);

  function check(
    wanted: Kind | readonly Kind[],
    name: string | null,
    object: string,
    line: SourceLine,
  ): void {
    const accepted = typeof wanted === "string" ? [wanted] : wanted;
    if (name === null || accepted.some((kind) => kinds.get(kind)?.has(name) === true)) {
      return;
    }
    const actual = KINDS.filter((kind) => kinds.get(kind)?.has(name) === true);
    const expected = accepted[0] ?? "object";
    found.push({
      severity: "error",
      rule: actual.length > 0 ? "wrong_kind_reference" : "dangling_reference",
      line,
      object,
      message:
        actual.length > 0
          ? `${object} refers to ${name} as a ${expected}, but that is a ${actual.join(" and ")}.`
          : `${object} refers to a ${expected} ${name} that is not configured.`,
    });
  }

  for (const service of estate.services.values()) {
    for (const binding of service.monitors) {
      check("monitor", binding.monitor, service.name, binding.line);
    }
    check("net profile", service.netProfile, service.name, service.line);
  }
  for (const vserver of [...estate.lbVservers.values(), ...estate.csVservers.values()]) {
    vserverReferences(vserver, check);
  }
  return found;
}

type Check = (
  wanted: Kind | readonly Kind[],
  name: string | null,
  object: string,
  line: SourceLine,
) => void;

function vserverReferences(vserver: Vserver, check: Check): void {
  const { name, line } = vserver;
  if (vserver.kind === "lb") {
    for (const binding of vserver.services) {
      check("service", binding.service, name, binding.line);
    }
  } else {
    for (const binding of vserver.targets) {
      check("policy", binding.policy, name, binding.line);
      check(["vserver", "authentication vserver"], binding.target, name, binding.line);
    }
    check(["vserver", "authentication vserver"], vserver.defaultTarget, name, line);
  }
  for (const binding of vserver.policies.filter(({ policy }) => !BUILT_IN_POLICY.test(policy))) {
    check("policy", binding.policy, name, binding.line);
  }
  check("vserver", vserver.backupVserver, name, line);
  check("authentication vserver", vserver.authentication.vserver, name, line);
  for (const binding of vserver.certKeys) {
    check("certificate key", binding.certKey, name, binding.line);
  }
}

/** The firmware brings policies of its own, and `NOPOLICY` placeholders for policy labels. */
const BUILT_IN_POLICY = /^(ns_|_|nopolicy)/i;

const KINDS = [
  "server",
  "service",
  "monitor",
  "vserver",
  "authentication vserver",
  "policy",
  "net profile",
  "certificate key",
] as const;
type Kind = (typeof KINDS)[number];

function kindsByName(estate: Estate): Map<Kind, ReadonlySet<string>> {
  return new Map<Kind, ReadonlySet<string>>([
    ["server", new Set(estate.servers.keys())],
    ["service", new Set(estate.services.keys())],
    ["monitor", new Set(estate.monitors.keys())],
    ["vserver", new Set([...estate.lbVservers.keys(), ...estate.csVservers.keys()])],
    ["authentication vserver", new Set(estate.authenticationVservers.keys())],
    ["policy", new Set(estate.policies.keys())],
    ["net profile", new Set(estate.netProfiles.keys())],
    ["certificate key", new Set(estate.certKeys.keys())],
  ]);
}
