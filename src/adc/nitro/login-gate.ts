/** What is known about one secret of a NITRO account. */
export interface NitroSecret {
  /** Its fingerprint. */
  readonly secret: string;
  /** The appliance has accepted it once. */
  readonly worked: boolean;
  /** The rejection that blocks it; null: it is not blocked. */
  readonly rejected: NitroRejection | null;
}

/**
 * What is known about one NITRO account's logins with the secret in use. Times are by a clock that is never set back or
 * forward.
 */
export interface NitroLogins extends NitroSecret {
  /** Logins in progress, and those without a result. */
  readonly open: readonly NitroLogin[];
  /** Earlier secrets that were rejected. */
  readonly others: readonly NitroSecret[];
  /** When any secret was rejected lately. */
  readonly rejections: readonly number[];
}

export interface NitroLogin {
  readonly id: string;
  readonly at: number;
  readonly deadline: number;
}

export interface NitroRejection {
  /** When the first and the last in a row were rejected. */
  readonly since: number;
  readonly at: number;
  /** NITRO's error code and message. */
  readonly code: string;
  readonly message: string;
}

export type NitroLoginDecision =
  | { readonly kind: "allowed" }
  /** Rejected: tried again at `until`; null: with another secret only. */
  | { readonly kind: "stopped"; readonly rejection: NitroRejection; readonly until: number | null }
  | { readonly kind: "wait"; readonly until: number };

export type NitroLoginEnd =
  | { readonly kind: "accepted" }
  | { readonly kind: "rejected"; readonly code: string; readonly message: string }
  /** Nothing is known about the credential: a timeout, or an unrelated error. */
  | { readonly kind: "unheard" };

export type NitroBegin =
  | { readonly kind: "begun"; readonly id: string }
  | Exclude<NitroLoginDecision, { kind: "allowed" }>;

/** Decides before each login of one NITRO account, and records its outcome. The times of a block are wall clock. */
export interface NitroLoginGate {
  /** `lastsMs`: after this time a login without a result has failed. */
  readonly begin: (lastsMs: number) => Promise<NitroBegin>;
  readonly end: (id: string, end: NitroLoginEnd) => Promise<void>;
}

/** A secret that once worked may work again: the directory behind the appliance was down, or a lockout has ended. */
export const RETRY_REJECTED_MS = 3_600_000;
/**
 * How long after a rejection another secret may be tried: a file that changes at every reload must not cause a login each
 * time.
 */
const NEW_SECRET_MS = 60_000;
const REJECTION_WINDOW_MS = 30 * 60_000;
const MAX_REJECTIONS_LATELY = 2;
/** Maximum number of rejected secrets remembered. */
const MAX_SECRETS = 16;

/** Whether this secret may be sent now. A rejected one is not sent again, also after reloads and restarts. */
export function decideNitroLogin(
  logins: NitroLogins | null,
  secret: string,
  now: number,
): NitroLoginDecision {
  if (logins === null) {
    return { kind: "allowed" };
  }
  const { rejected, worked } = knownSecret(logins, secret);
  const again = rejected !== null && worked ? rejected.at + RETRY_REJECTED_MS : null;
  if (rejected !== null && (again === null || now < again)) {
    return { kind: "stopped", rejection: rejected, until: again };
  }
  if (logins.secret !== secret) {
    const until = newSecretFrom(logins, now);
    return now < until ? { kind: "wait", until } : { kind: "allowed" };
  }
  const counting = logins.open.filter(({ at }) => at > now - REJECTION_WINDOW_MS);
  const [first] = counting;
  if (first === undefined || counting.length < (worked && rejected === null ? 2 : 1)) {
    return { kind: "allowed" };
  }
  return {
    kind: "wait",
    until: now <= first.deadline ? first.deadline : first.at + REJECTION_WINDOW_MS,
  };
}

/**
 * Until when a secret waits that was sent to other appliances lately: they may use one directory, which counts every
 * rejection. At most two are in progress or rejected at a time. Null: it may be sent. `soon`: some are in progress, and their
 * outcome decides. Secrets are compared by fingerprints of user and password.
 */
export function waitForOthers(
  others: readonly NitroLogins[],
  secret: string,
  now: number,
): { readonly until: number; readonly soon: boolean } | null {
  const rejectedAt = others
    .flatMap((logins) => knownSecret(logins, secret).rejected ?? [])
    .map(({ at }) => at)
    .filter((at) => at > now - REJECTION_WINDOW_MS)
    .sort((one, other) => one - other);
  const first = rejectedAt.at(-MAX_REJECTIONS_LATELY);
  if (first !== undefined) {
    return { until: first + REJECTION_WINDOW_MS, soon: false };
  }
  const deadlines = others
    .filter((logins) => logins.secret === secret)
    .flatMap(({ open }) => open)
    .map(({ deadline }) => deadline)
    .filter((deadline) => deadline >= now);
  return rejectedAt.length + deadlines.length < MAX_REJECTIONS_LATELY
    ? null
    : { until: Math.min(...deadlines), soon: true };
}

function knownSecret({ others, ...inUse }: NitroLogins, secret: string): NitroSecret {
  return (
    [inUse, ...others].find((each) => each.secret === secret) ?? {
      secret,
      worked: false,
      rejected: null,
    }
  );
}

function newSecretFrom({ rejections }: NitroLogins, now: number): number {
  const lately = rejections.filter((at) => at > now - REJECTION_WINDOW_MS);
  const last = lately.at(-1);
  if (last === undefined) {
    return now;
  }
  const first = lately.at(-MAX_REJECTIONS_LATELY);
  return first === undefined ? last + NEW_SECRET_MS : first + REJECTION_WINDOW_MS;
}

/** The state with a login that begins: it must be saved before the login is sent. */
export function beginNitroLogin(
  logins: NitroLogins | null,
  secret: string,
  login: NitroLogin,
): NitroLogins {
  const before = logins === null ? firstLogins(secret) : withSecret(logins, secret);
  return { ...before, open: [...before.open, login].slice(-MAX_REJECTIONS_LATELY) };
}

function firstLogins(secret: string): NitroLogins {
  return { secret, worked: false, rejected: null, open: [], others: [], rejections: [] };
}

function withSecret(logins: NitroLogins, secret: string): NitroLogins {
  if (logins.secret === secret) {
    return logins;
  }
  const { secret: before, worked, rejected, rejections, others } = logins;
  const left = rejected === null ? others : [...others, { secret: before, worked, rejected }];
  return {
    ...knownSecret(logins, secret),
    open: [],
    others: left.filter((each) => each.secret !== secret).slice(-MAX_SECRETS),
    rejections,
  };
}

/** The state after a login. The outcome of an unknown login (by now of another secret) changes nothing. */
export function endNitroLogin(
  logins: NitroLogins,
  id: string,
  end: NitroLoginEnd,
  now: number,
): NitroLogins {
  if (!logins.open.some((login) => login.id === id)) {
    return logins;
  }
  const open = logins.open.filter((login) => login.id !== id);
  switch (end.kind) {
    case "unheard":
      return { ...logins, open };
    case "accepted":
      return {
        ...logins,
        worked: true,
        // It ended long ago without a result, which is now known.
        open: open.filter(({ deadline }) => now <= deadline),
        rejected: null,
        rejections: [],
      };
    case "rejected":
      return {
        ...logins,
        open,
        rejected: {
          since: logins.rejected?.since ?? now,
          at: now,
          code: end.code,
          message: end.message,
        },
        rejections: [...logins.rejections, now].slice(-MAX_REJECTIONS_LATELY),
      };
  }
}
