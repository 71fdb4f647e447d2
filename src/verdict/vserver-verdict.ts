import type { Reason } from "../model/reasons.ts";
import type { AdcOpinion, VserverVerdict } from "../model/verdicts.ts";

/** Everything the verdict on a virtual server depends on. */
export interface VserverInputs {
  readonly cutOff: boolean;
  /** NITRO is configured for this ADC. With a configuration file alone there is nothing to compare with. */
  readonly hasAdc: boolean;
  /**
   * `none`: the vserver has services, or no redirect. Otherwise, whether the redirect comes as configured; `unseen` before
   * the first answer, or after a fault of our own.
   */
  readonly redirect: "none" | "as_configured" | "differs" | "unseen";
  readonly adc: AdcOpinion;
  /** What our probes through the VIP say; `none` if there are none, `unknown` before the first result. */
  readonly vip: "up" | "down" | "protected" | "none" | "unknown";
  /**
   * Logins with configured accounts through the VIP. `broken`: one fails. `confirming`: one fails, and the same login at the
   * members has not been made since. `given`: none fails. A login that works makes `vip` up.
   */
  readonly login: "none" | "given" | "confirming" | "broken";
  /** Members good by our own opinions. */
  readonly really: "some" | "none" | "unknown";
  /** A member that is out or in maintenance answered twice, on fresh connections. */
  readonly servedByDrained: boolean;
  /** The certificate has another serial than the bound certkey, or none of the configured names. False if neither is known. */
  readonly wrongCertificate: boolean;
  readonly backupActive: boolean;
  readonly withinGrace: boolean;
  /** The ADC is configured to refuse this agent, and every failure through the VIP looks like that: other clients may be served. */
  readonly refusesUs: boolean;
}

/** The verdict on a vserver: total, and the first rule that matches wins. */
export function vserverVerdict(inputs: VserverInputs): VserverVerdict {
  const { adc, vip, really } = inputs;
  if (inputs.cutOff || !inputs.hasAdc) {
    return "unknown";
  }
  if (inputs.redirect !== "none") {
    return redirectVerdict(inputs.redirect);
  }
  if (adc === "out") {
    return vip === "up" ? "unknown" : "vip_agree_down";
  }
  const vipSilent = vip === "none" || vip === "unknown";
  if (adc === "unknown" && vipSilent) {
    return "unknown";
  }
  if (inputs.servedByDrained) {
    return "vip_served_by_drained_server";
  }
  if (inputs.wrongCertificate) {
    return "vip_wrong_certificate";
  }
  if (inputs.backupActive) {
    return "vip_backup_active";
  }
  if (inputs.refusesUs && adc !== "down" && !(really === "none" && adc === "up")) {
    return "unknown";
  }
  if (adc !== "down" && really !== "none") {
    const guarded = guardedVerdict(inputs);
    if (guarded !== null) {
      return guarded;
    }
  }
  if (really === "some" && (vip === "down" || adc === "down")) {
    return inputs.withinGrace ? "settling" : "vip_down_members_up";
  }
  if (really === "none" && (adc === "up" || vip === "up")) {
    return inputs.withinGrace ? "settling" : unreachableMembersVerdict(vip);
  }
  if (vipSilent && really === "unknown") {
    return "unknown";
  }
  return adc === "down" || vip === "down" ? "vip_agree_down" : "vip_agree_up";
}

/**
 * The verdict on an authentication vserver, which has no members: whether its login page responds. If the ADC reports
 * DOWN, that stands: the ADC's own checks cannot be repeated from here.
 */
export function loginVserverVerdict({
  cutOff,
  hasAdc,
  adc,
  vip,
  wrongCertificate,
  withinGrace,
}: Pick<
  VserverInputs,
  "cutOff" | "hasAdc" | "adc" | "vip" | "wrongCertificate" | "withinGrace"
>): VserverVerdict {
  const isOut = adc === "down" || adc === "out";
  if (cutOff || !hasAdc || (isOut && vip === "up")) {
    return "unknown";
  }
  if (isOut) {
    return "vip_agree_down";
  }
  if (wrongCertificate) {
    return "vip_wrong_certificate";
  }
  if (vip === "down") {
    return withinGrace ? "settling" : "vip_login_broken";
  }
  return vip === "up" ? "vip_agree_up" : "unknown";
}

/** The verdict that logins through the VIP, or missing ones, lead to; null: none. */
function guardedVerdict({ vip, login }: VserverInputs): VserverVerdict | null {
  switch (login) {
    case "broken":
      return "vip_login_broken";
    case "confirming":
      return "settling";
    case "given":
      return vip === "protected" ? "unknown" : null;
    case "none":
      return vip === "protected" ? "vip_protected" : null;
  }
}

function redirectVerdict(redirect: "as_configured" | "differs" | "unseen"): VserverVerdict {
  switch (redirect) {
    case "as_configured":
      return "vip_agree_up";
    case "differs":
      return "vip_down_members_up";
    case "unseen":
      return "unknown";
  }
}

/** An application answered through the VIP, so a member is alive: this agent cannot reach the members. */
function unreachableMembersVerdict(vip: VserverInputs["vip"]): VserverVerdict {
  return vip === "up" ? "unknown" : "vip_up_members_down";
}

/** The reason that comes with the verdict itself, ahead of any probe's; null: none. */
export function vserverVerdictReason(
  inputs: VserverInputs,
): Extract<Reason, "agent_path" | "not_configured"> | null {
  if (!inputs.hasAdc && !inputs.cutOff) {
    return "not_configured";
  }
  if (inputs.refusesUs && !inputs.cutOff && vserverVerdict(inputs) === "unknown") {
    return "agent_path";
  }
  const answered = inputs.really === "none" && inputs.vip === "up" && inputs.adc !== "out";
  return answered && vserverVerdict(inputs) === "unknown" && !inputs.cutOff ? "agent_path" : null;
}

/** One VIP that a GSLB vserver may hand out. */
export interface SiteInputs {
  /** Whether the ADC's DNS has lately returned it; null: the DNS cannot be queried. */
  readonly handedOut: boolean | null;
  /** Whether a client that connects there is served. */
  readonly serves: "up" | "down" | "unknown";
  /** The state that GSLB has it in. */
  readonly adc: AdcOpinion;
  /** Of a backup vserver: handed out only while the vserver's own sites are DOWN. */
  readonly backup?: boolean;
}

/** Everything the verdict on the name behind a GSLB vserver depends on. */
export interface GslbInputs {
  readonly cutOff: boolean;
  /** GSLB's own state of the vserver; `unknown` also where there is no NITRO. */
  readonly adc: AdcOpinion;
  /**
   * How the ADC answers DNS queries for the name: with addresses (`up`), with none or not at all (`down`). `none`: it has no
   * address to query. `unknown`: before the first answer, or after a fault of our own.
   */
  readonly dns: "up" | "down" | "none" | "unknown";
  readonly sites: readonly SiteInputs[];
  readonly withinGrace: boolean;
}

/** The verdict on a name: total, and the first rule that matches wins. */
export function gslbVerdict(inputs: GslbInputs): VserverVerdict {
  const { adc, dns, sites, withinGrace } = inputs;
  const own = sites.filter(({ backup }) => backup !== true);
  const serving = own.some(({ serves }) => serves === "up");
  const allDown = own.length > 0 && own.every(({ serves }) => serves === "down");
  const backupServes = sites.some(
    ({ backup, handedOut, serves }) => backup === true && handedOut !== false && serves === "up",
  );
  if (inputs.cutOff) {
    return "unknown";
  }
  if (adc === "out") {
    return dns === "up" ? "unknown" : "vip_agree_down";
  }
  const dnsSilent = dns === "none" || dns === "unknown";
  if (adc === "unknown" && dnsSilent) {
    return "unknown";
  }
  if (allDown && backupServes && !sites.some(isDeadEnd)) {
    return "vip_backup_active";
  }
  if (adc === "down" && allDown) {
    // Without -EDR the DNS answers with DOWN sites too, and the ADC reports DOWN: state and answers agree.
    return "vip_agree_down";
  }
  if (sites.some(isDeadEnd) || (allDown && adc === "up")) {
    return withinGrace ? "settling" : "vip_up_members_down";
  }
  if (serving && (dns === "down" || adc === "down")) {
    return withinGrace ? "settling" : "vip_down_members_up";
  }
  if (sites.some(isWithheld)) {
    return withinGrace ? "settling" : "vip_site_withheld";
  }
  if (dns === "down" || adc === "down") {
    return "vip_agree_down";
  }
  return own.every(({ serves }) => serves === "unknown") ? "unknown" : "vip_agree_up";
}

/** Clients are sent there and are not served. */
export function isDeadEnd({ handedOut, serves }: SiteInputs): boolean {
  return handedOut === true && serves === "down";
}

/** It would serve, GSLB has it DOWN, and no client is sent there. A site that is out of service on purpose does not count. */
export function isWithheld({ handedOut, serves, adc }: SiteInputs): boolean {
  return serves === "up" && adc === "down" && handedOut !== true;
}
