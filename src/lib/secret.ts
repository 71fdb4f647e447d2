import { inspect } from "node:util";

const SHOWN = "<secret>";

/**
 * A secret that cannot be printed by accident: as text, in JSON and in an inspection it is `<secret>`. Only
 * {@link reveal} gives it away, to the one who sends it.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  /** Whether both hold the same, without showing either: a reload with a new secret lifts a suspension. */
  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}
