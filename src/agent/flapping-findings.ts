import type { LiveFinding, LiveMember } from "../model/live.ts";

/** Members that the ADC takes DOWN and UP while they work, each with what the ADC's own monitors answered. */
export function flappingFindings(members: readonly LiveMember[]): readonly LiveFinding[] {
  return members.flatMap((member): readonly LiveFinding[] => {
    const { adc, adcService, server, port, flapping = null } = member;
    if (flapping === null) {
      return [];
    }
    const { flaps, lastResponses } = flapping;
    const answers = lastResponses.map((each) => `"${each}"`).join(", ");
    const told = answers === "" ? "" : ` Its monitor answered: ${answers}.`;
    const message = `${adc} took ${adcService} ${server}:${String(port)} DOWN and UP ${String(flaps)} times within the last hour, while it worked all the time.${told}`;
    return [{ kind: "adc_flapping", adc, adcService, server, port, flapping, message }];
  });
}
