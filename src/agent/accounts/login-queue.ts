/** A login's turn among those of its account. */
export interface LoginTurn {
  readonly isFirst: () => boolean;
  /** Resolves when it is first. */
  readonly first: Promise<void>;
  /**
   * Lets the next one go first. `begun`: the login may start now; otherwise it gave up, and keeps its position for the
   * next time.
   */
  readonly leave: (begun: boolean) => void;
}

interface Waiting {
  readonly since: number;
  readonly goFirst: () => void;
}

/** Maximum number of logins whose waiting time the queue remembers. */
const MAX_REMEMBERED = 10_000;

/**
 * The logins of one process that wait for permission, by account: only the one that has waited longest requests it. If
 * all of them did, the one with the best timing would go next, and a login through an ADC, which requires that all
 * others have ended, might wait forever.
 */
export class LoginQueue {
  readonly #waiting = new Map<string, Waiting[]>();
  /** By account and endpoint, since when a login that gave up has been waiting. */
  readonly #since = new Map<string, number>();

  /** Joins the logins of `account` that wait. `endpoint` identifies the login, `now` is monotonic. */
  join(account: string, endpoint: string, now: number): LoginTurn {
    const name = JSON.stringify([account, endpoint]);
    const since = this.#since.get(name) ?? now;
    this.#since.set(name, since);
    if (this.#since.size > MAX_REMEMBERED) {
      this.#since.clear();
    }
    const queue = this.#waiting.get(account) ?? [];
    this.#waiting.set(account, queue);
    let goFirst = (): void => undefined;
    const first = new Promise<void>((resolve) => {
      goFirst = resolve;
    });
    const own: Waiting = { since, goFirst };
    // The first one has already requested permission and is not overtaken.
    const later = queue.findIndex((each, index) => index > 0 && each.since > since);
    queue.splice(later === -1 ? queue.length : later, 0, own);
    queue[0]?.goFirst();
    return {
      isFirst: () => queue[0] === own,
      first,
      leave: (begun) => {
        if (begun) {
          this.#since.delete(name);
        }
        const index = queue.indexOf(own);
        if (index === -1) {
          return;
        }
        queue.splice(index, 1);
        queue[0]?.goFirst();
        if (queue.length === 0) {
          this.#waiting.delete(account);
        }
      },
    };
  }
}
