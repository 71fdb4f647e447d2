/** Kinds of texts that are read for their meaning. */
export const UNKNOWN_TEXT_KINDS = ["lastresponse", "state", "role"] as const;

/** A text of the appliance that is not understood. */
export interface UnknownText {
  readonly kind: (typeof UNKNOWN_TEXT_KINDS)[number];
  readonly text: string;
}

/** Maximum reported per poll: an appliance may make up a new one for each member. */
const MAX_UNKNOWN_TEXTS = 50;
const MAX_CHARS = 200;

/** Collects texts that were not understood, each once. */
export class UnknownTexts {
  readonly #texts = new Map<string, UnknownText>();

  /** Keeps the text unless `known` matches it. */
  add(kind: UnknownText["kind"], text: string, known: RegExp): void {
    const short = text.trim().slice(0, MAX_CHARS);
    if (this.#texts.size < MAX_UNKNOWN_TEXTS && !known.test(short)) {
      this.#texts.set(`${kind} ${short}`, { kind, text: short });
    }
  }

  all(): readonly UnknownText[] {
    return [...this.#texts.values()];
  }
}
