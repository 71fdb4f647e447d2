/** A login's turn among those of its account. */
export interface LoginTurn {
  readonly isFirst: () => boolean;
  /** Resolves when it is first. */
  readonly first: Promise<void>;
  /** Lets the next one go first. `begun`: the login may start now; else it gave up, and keeps its place for the next time. */
  readonly leave: (begun: boolean) => void;
}

interface Waiting {
  readonly since: number;
  readonly goFirst: () => void;
}

/** Of so many logins the queue remembers how long they have waited. */
const MAX_REMEMBERED = 10_000;

/**
 * The logins of one process that wait for permission, by account: only the one that has waited longest asks for it. If all of
 * them asked, whoever asked at the right moment would go next, and a login through an ADC, which needs every other one to have
 * ended, might wait for ever.
 */
export class LoginQueue {
  readonly #waiting = new Map<string, Waiting[]>();
  /** By account and place, since when a login that gave up has been waiting. */
  readonly #since = new Map<string, number>();

  /** Joins the logins of `account` that wait. `place` identifies the login, `now` is monotonic. */
  join(account: string, place: string, now: number): LoginTurn {
    const name = JSON.stringify([account, place]);
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
    // The first one has asked already and is not overtaken.
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
