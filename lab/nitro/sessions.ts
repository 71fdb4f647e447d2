import { randomBytes } from "node:crypto";

/** The sessions of one appliance: they end by logout, or when unused for their timeout. */
export class NitroSessions {
  readonly #lastUse = new Map<string, { at: number; timeoutMs: number }>();
  readonly #limit: number;
  readonly #now: () => number;
  #opened = 0;

  constructor(limit: number, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  /** A token shaped like the appliance's own, or null when no more sessions may be opened. */
  open(timeoutMs: number): string | null {
    if (this.openCount() >= this.#limit) {
      return null;
    }
    const token = `##${randomBytes(42).toString("base64")}`;
    this.#lastUse.set(token, { at: this.#now(), timeoutMs });
    this.#opened += 1;
    return token;
  }

  /** Whether the token belongs to a valid session, whose timeout then restarts. */
  use(token: string): boolean {
    this.#expire();
    const session = this.#lastUse.get(token);
    if (session === undefined) {
      return false;
    }
    session.at = this.#now();
    return true;
  }

  close(token: string): boolean {
    return this.#lastUse.delete(token);
  }

  /** As `kill system session -all` does. */
  closeAll(): void {
    this.#lastUse.clear();
  }

  openCount(): number {
    this.#expire();
    return this.#lastUse.size;
  }

  /** How many were ever opened. */
  openedCount(): number {
    return this.#opened;
  }

  #expire(): void {
    const now = this.#now();
    for (const [token, { at, timeoutMs }] of this.#lastUse) {
      if (now - at >= timeoutMs) {
        this.#lastUse.delete(token);
      }
    }
  }
}
