import type { AdcOpinion, VserverVerdict } from "../model/verdicts.ts";

/** One VIP that a GSLB vserver may hand out. */
export interface SiteInputs {
  /** Whether the ADC's DNS has answered with it lately; null: nobody could be asked. */
  readonly handedOut: boolean | null;
  /** Whether a client who comes there is served, by all that we know. */
  readonly serves: "up" | "down" | "unknown";
  /** What GSLB says of it. */
  readonly adc: AdcOpinion;
}

/** Everything the verdict on the name behind a GSLB vserver depends on. */
export interface GslbInputs {
  readonly cutOff: boolean;
  /** GSLB's own state of the vserver; `unknown` also where there is no NITRO. */
  readonly adc: AdcOpinion;
  /**
   * How the ADC answers the name's questions: with addresses (`up`), with none or not at all (`down`); `none` where it has
   * no address to ask at, `unknown` before the first answer or when the fault was ours.
   */
  readonly dns: "up" | "down" | "none" | "unknown";
  readonly sites: readonly SiteInputs[];
  readonly withinGrace: boolean;
}

/** The verdict on a name: total, and the first rule that matches wins. */
export function gslbVerdict(inputs: GslbInputs): VserverVerdict {
  const { adc, dns, sites, withinGrace } = inputs;
  const serving = sites.some(({ serves }) => serves === "up");
  const allDown = sites.length > 0 && sites.every(({ serves }) => serves === "down");
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
  if (adc === "down" && allDown) {
    // Without -EDR it answers with what it has, and it says so: nobody is deceived.
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
  return sites.every(({ serves }) => serves === "unknown") ? "unknown" : "vip_agree_up";
}

/** Clients are sent there and are not served. */
export function isDeadEnd({ handedOut, serves }: SiteInputs): boolean {
  return handedOut === true && serves === "down";
}

/** It would serve, GSLB takes it for DOWN, and nobody is sent there. What is out on purpose is not meant. */
export function isWithheld({ handedOut, serves, adc }: SiteInputs): boolean {
  return serves === "up" && adc === "down" && handedOut !== true;
}
