/** A resource that the ADC did not tell: what depends on it is not watched. The watch is poorer for it, not wrong. */
export interface NitroGap {
  /** Management address that was asked. */
  readonly node: string;
  readonly resource: string;
  /** NITRO's error code, `http_503`, or the name of what broke (`timeout`). */
  readonly code: string;
  /** The appliance's own words. */
  readonly words: string;
  /** What is not watched because of it. */
  readonly unwatched: string;
  /** It hides a whole kind of vserver: a comparison without it is none. */
  readonly blinds: boolean;
}

/** One line for people. */
export function gapSentence(adc: string, gap: NitroGap): string {
  const { node, resource, code, words, unwatched } = gap;
  return `${adc}: ${node} does not tell ${resource} (${words}, code ${code}). Not watched: ${unwatched}.`;
}
