import { oneAtATime, backOffMs, type BackOffReason } from "../../lib/pacing.ts";
import type { Envelope } from "./envelope-reader.ts";
import type { Network } from "../../net/network.ts";
import { adviceFor } from "./explain.ts";
import {
  actionOf,
  type ErrorAction,
  backOffReason,
  codeLabel,
  judge,
  type Judged,
} from "./judge.ts";
import type { Missing } from "./gaps.ts";
import type { Row } from "./row-values.ts";
import {
  RETRY_REJECTED_MS,
  type NitroBegin,
  type NitroLoginEnd,
  type NitroLoginGate,
} from "./login-gate.ts";
import {
  createTransport,
  type NitroTls,
  type Transport,
  type TransportOptions,
} from "./transport.ts";

const LOGIN_PATH = "/nitro/v1/config/login";
const LOGOUT_PATH = "/nitro/v1/config/logout";
/** NITRO docs, configuration of `nspartition`: Switch. */
const PARTITION_PATH = "/nitro/v1/config/nspartition?action=Switch";
const LOGOUT_BODY = '{"logout":{}}';

/** `timeoutSeconds`: after which the appliance ends an idle session. */
function loginBody(username: string, password: string, timeoutSeconds: number): string {
  return JSON.stringify({ login: { username, password, timeout: timeoutSeconds } });
}

/** NITRO docs, CLI errors: 1044, connected to the NSIP of a cluster node. */
function clusterWarning({ errorCode, message }: Envelope): string | null {
  return errorCode === 1044 ? `${message} [1044]`.slice(0, 300) : null;
}

/**
 * The Cookie header of a new session: the token from `Set-Cookie`, else from the answer's `sessionid`. Null if there is none,
 * or it is not valid in a header.
 */
function cookieOf(setCookies: readonly string[], envelope: Envelope): string | null {
  for (const cookie of setCookies) {
    const token = /^\s*NITRO_AUTH_TOKEN=([^;]+)/.exec(cookie)?.[1];
    if (token !== undefined && isHeaderSafe(token)) {
      return `NITRO_AUTH_TOKEN=${token.trim()}`;
    }
  }
  return envelope.sessionId === null || envelope.sessionId === ""
    ? null
    : `NITRO_AUTH_TOKEN=${encodeURIComponent(envelope.sessionId)}`;
}

function isHeaderSafe(token: string): boolean {
  return /^[\x21-\x7e ]+$/.test(token);
}

export interface NitroClientOptions {
  /** The management address, for example `https://ns1.example.com`. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly tls: NitroTls;
  readonly network: Network;
  readonly localAddress?: string | null;
  /** Whole time of one request, in milliseconds. Default: 30 s. */
  readonly timeoutMs?: number;
  /** Largest answer. Default: 64 MiB. */
  readonly maxBytes?: number;
  /** How long the appliance keeps our session if we end without logging out, in seconds. Default: 300. */
  readonly sessionTimeoutSeconds?: number;
  /** Monotonic clock in milliseconds. */
  readonly monotonic?: () => number;
  /** Decides before each login. Without it, only this client remembers rejections. */
  readonly loginGate?: NitroLoginGate;
  readonly onRequest?: (event: NitroRequestEvent) => void;
  /** Admin partition to switch to after each login; null: the default one, or the one the account is bound to. */
  readonly partition?: string | null;
  /** Receives each request with its answer, which then has all fields: for a bundle. */
  readonly onAnswer?: (node: string, request: NitroGet, answer: NitroAnswer) => void;
  /** How exchanges travel. Default: over HTTP or HTTPS. */
  readonly transport?: (options: TransportOptions) => Transport;
}

/** One exchange with an appliance, for metrics. */
export interface NitroRequestEvent {
  /** Host of the URL, with its port where one is written. */
  readonly node: string;
  /** The NITRO resource, or `login` and `logout`. */
  readonly resource: string;
  readonly durationMs: number;
  /** `0` on success, else NITRO's error code, `http_503`, or the kind of failure; a bounded set. */
  readonly code: string;
}

export interface NitroGet {
  readonly kind: "config" | "stat";
  readonly resource: string;
  readonly name?: string;
  readonly query?: Readonly<Record<string, string>>;
}

export type NitroAnswer =
  /** `secondary`: the appliance warned that it is not the primary. */
  | {
      readonly kind: "rows";
      readonly rows: readonly Row[];
      readonly secondary: boolean;
      /** As {@link Envelope.weight}. */
      readonly weight: number;
    }
  /** An error of NITRO's own that concerns this request only. */
  | (Refusal & {
      readonly kind: "refused";
      readonly action: Exclude<ErrorAction, "none" | "relogin" | "stop">;
    })
  /** No usable answer now. `code` as in {@link NitroRequestEvent}, but NITRO's own unchanged. */
  | NitroFailure
  /** No further request is made: another attempt could lock the account, or an operator must act. */
  | NitroStop;

export interface Refusal extends Missing {
  readonly words: string;
}

export interface NitroFailure extends Missing {
  readonly kind: "failed";
}
export interface NitroStop extends Missing {
  readonly kind: "stopped";
  /** Milliseconds by the monotonic clock until it is tried again; absent: never in this session. */
  readonly again?: number;
}

/** What this appliance does not support or not allow, by resource; kept for the life of the client. */
interface NitroLimits {
  readonly withoutBulk: Set<string>;
  readonly withoutAttributes: Set<string>;
  readonly withoutPaging: Set<string>;
  /** What our account may not read, with the answer. It is requested again with the next import, or after a while. */
  readonly denied: Map<string, Refusal>;
}

/**
 * One appliance over NITRO: one session, one connection, one request at a time. Only GET, except for login, logout and the
 * switch to a partition. Never throws.
 */
export interface NitroClient {
  readonly node: string;
  readonly limits: NitroLimits;
  readonly get: (request: NitroGet) => Promise<NitroAnswer>;
  /** The warning of the login that this is the address of one node of a cluster; null: there was none. */
  readonly clusterNode: () => string | null;
  /** Our own address towards this appliance; null before the first exchange. */
  readonly localAddress: () => string | null;
  /** Milliseconds until requests are made again after failures; 0: they are made now. */
  readonly pausedForMs: () => number;
  /** Refuses all further requests, as after bad credentials on the other node of a pair. */
  readonly stop: (stop: NitroStop) => void;
  /** Aborts a GET in progress, waits for a login in progress, and logs out. May be called repeatedly. */
  readonly close: () => Promise<void>;
}

const LOGOUT_TRIES = 2;
/** At the end of the process, how long an appliance that hangs is waited for: it ends the session itself later. */
const LOGOUT_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** After this time a login without a result has failed. */
const GATE_SLACK_MS = 5_000;

/** Sources: NITRO docs, "Performing basic NetScaler operations" (sessions), error messages. */
export function createNitroClient(options: NitroClientOptions): NitroClient {
  const url = new URL(options.url);
  const timeoutMs = options.timeoutMs ?? 30_000;
  const monotonic = options.monotonic ?? (() => performance.now());
  const transport = (options.transport ?? createTransport)({
    url,
    tls: options.tls,
    network: options.network,
    localAddress: options.localAddress ?? null,
    connectTimeoutMs: Math.min(timeoutMs, CONNECT_TIMEOUT_MS),
    maxBytes: options.maxBytes ?? 67_108_864,
  });
  const session = { cookie: null as string | null, loggingIn: false };
  let stopped: NitroStop | null = null;
  let hasWorked = false;
  let clusterNode: string | null = null;
  let closing: Promise<void> | null = null;
  let failures = 0;
  let resumeAt = -Infinity;
  let lastFailure: NitroFailure | null = null;
  /** An appliance limits connections. */
  const inTurn = oneAtATime();

  async function exchange(
    resource: string,
    method: "GET" | "POST",
    path: string,
    body: string | null,
  ): Promise<Judged> {
    const startedAt = monotonic();
    const result = await transport.exchange({
      method,
      path,
      cookie: session.cookie,
      body,
      timeoutMs: resource === "logout" ? Math.min(timeoutMs, LOGOUT_TIMEOUT_MS) : timeoutMs,
    });
    const judged = judge(result, resource);
    const durationMs = monotonic() - startedAt;
    try {
      options.onRequest?.({ node: url.host, resource, durationMs, code: codeLabel(judged.code) });
    } catch {
      // An observer that throws must not cost a session: a login's answer is still to be read.
    }
    return judged;
  }

  /** Node, resource, the error, and what to check. */
  function explained(resource: string, { words, code, cause, location }: Broken): string {
    const secure = url.protocol === "https:";
    const advice = adviceFor(code, { secure, cause, location });
    return `${url.host}, ${resource}: ${words}${advice === null ? "" : `; ${advice}`}`;
  }

  function pause(reason: BackOffReason, failure: Omit<NitroFailure, "kind">): NitroFailure {
    failures += 1;
    lastFailure = { kind: "failed", ...failure };
    resumeAt = monotonic() + backOffMs(reason, failures);
    return lastFailure;
  }

  function halt(stop: NitroStop): NitroStop {
    stopped ??= stop;
    return stopped;
  }

  /** Asks the account's gate; null if a login is allowed, with the id under which its outcome is reported. */
  async function askGate(): Promise<string | NitroFailure | NitroStop | null> {
    const begun = (await options.loginGate?.begin(timeoutMs + GATE_SLACK_MS)) ?? null;
    switch (begun?.kind) {
      case undefined:
        return null;
      case "begun":
        return begun.id;
      case "stopped":
        return halt(stopOf(begun, wallToMonotonic));
      case "wait": {
        const until = new Date(begun.until).toISOString();
        const message = `login held back until ${until}: earlier logins were rejected or not answered`;
        return { kind: "failed", code: "held_back", message };
      }
    }
  }

  /** A password that has worked may work again: seldom enough to lock nothing. */
  function again(): { readonly again?: number } {
    return hasWorked ? { again: monotonic() + RETRY_REJECTED_MS } : {};
  }

  function wallToMonotonic(wallMs: number): number {
    return monotonic() + wallMs - Date.now();
  }

  async function login(): Promise<NitroFailure | NitroStop | null> {
    // Not on an idle connection that the server may be closing: the login and its session would be lost.
    const gate = await askGate();
    if (gate !== null && typeof gate !== "string") {
      return gate;
    }
    const tellGate = async (end: NitroLoginEnd): Promise<void> => {
      if (gate !== null) {
        await options.loginGate?.end(gate, end);
      }
    };
    transport.disconnect();
    session.cookie = null;
    session.loggingIn = true;
    const { username, password, sessionTimeoutSeconds } = options;
    const body = loginBody(username, password, sessionTimeoutSeconds ?? 300);
    const answer = await exchange("login", "POST", LOGIN_PATH, body);
    session.loggingIn = false;
    session.cookie = answer.kind === "answered" ? cookieOf(answer.cookies, answer.envelope) : null;
    if (session.cookie !== null) {
      hasWorked = true;
      clusterNode = answer.kind === "answered" ? clusterWarning(answer.envelope) : null;
      await tellGate({ kind: "accepted" });
      return switchPartition();
    }
    if (answer.kind === "broken" && isRejection(answer)) {
      const { code } = answer;
      const message = explained("login", answer);
      await tellGate({ kind: "rejected", code, message: answer.words });
      // The gate has the times.
      const gateRefusal = gate === null ? null : await askGate();
      return gateRefusal !== null && typeof gateRefusal !== "string"
        ? gateRefusal
        : halt({ kind: "stopped", code, message, ...again() });
    }
    await tellGate({ kind: "unheard" });
    if (answer.kind === "answered") {
      const message = `${url.host}, login: the answer carries no session`;
      return pause("no_answer", { code: "not_nitro", message });
    }
    const { code, words } = answer;
    const message = explained("login", answer);
    return answer.action === "stop"
      ? halt({ kind: "stopped", code, message })
      : pause(backOffReason(answer.action), { code, message, words });
  }

  /** The only POST besides login and logout: it changes what our own session sees, and nothing else. */
  async function switchPartition(): Promise<NitroFailure | null> {
    const partition = options.partition ?? null;
    if (partition === null) {
      return null;
    }
    const body = JSON.stringify({ nspartition: { partitionname: partition } });
    const answer = await exchange("nspartition", "POST", PARTITION_PATH, body);
    if (answer.kind === "answered") {
      return null;
    }
    await logout();
    const { code, words } = answer;
    const message = `${explained("nspartition", answer)}; partition ${partition}: see adcs[].nitro.partition`;
    return pause("no_answer", { code, message, words });
  }

  async function logout(): Promise<void> {
    for (let tries = 0; tries < LOGOUT_TRIES && session.cookie !== null; tries += 1) {
      const answer = await exchange("logout", "POST", LOGOUT_PATH, LOGOUT_BODY);
      if (answer.kind === "answered" || answer.status !== 0) {
        session.cookie = null;
      } else {
        transport.disconnect();
      }
    }
    session.cookie = null;
  }

  async function ask(request: NitroGet, mayLogIn: boolean): Promise<NitroAnswer> {
    const barred = refusal();
    if (barred !== null) {
      return barred;
    }
    if (session.cookie === null) {
      const trouble = (await login()) ?? refusal();
      if (trouble !== null) {
        return trouble;
      }
    }
    const answer = await exchange(request.resource, "GET", pathOf(request), null);
    if (answer.kind === "answered") {
      failures = 0;
      return rowsOf(answer.envelope, request.resource);
    }
    const { action, code, words } = answer;
    const message = explained(request.resource, answer);
    switch (action) {
      case "relogin":
        session.cookie = null;
        return mayLogIn ? ask(request, false) : pause("no_answer", { code, message, words });
      case "none":
        return pause("no_answer", { code, message, words });
      case "back_off":
      case "back_off_long":
        if (action === "back_off_long") {
          await logout();
        }
        return pause(backOffReason(action), { code, message, words });
      // A request without a password cannot lock the account, whatever its error.
      case "stop":
      case "failure":
        return answer.status === 0
          ? pause("no_answer", { code, message, words })
          : isNitro(code)
            ? { kind: "refused", action: "failure", code, message, words }
            : { kind: "failed", code, message, words };
      default:
        return { kind: "refused", action, code, message, words };
    }
  }

  function refusal(): NitroFailure | NitroStop | null {
    if (stopped?.again !== undefined && monotonic() >= stopped.again) {
      stopped = null;
    }
    if (stopped !== null) {
      return stopped;
    }
    if (closing !== null) {
      return { kind: "failed", code: "aborted", message: "the session is being closed" };
    }
    return lastFailure !== null && monotonic() < resumeAt ? lastFailure : null;
  }

  return {
    node: url.host,
    limits: {
      withoutBulk: new Set(),
      withoutAttributes: new Set(),
      withoutPaging: new Set(),
      denied: new Map(),
    },
    get: (request) =>
      inTurn(async () => {
        const { onAnswer } = options;
        if (onAnswer === undefined) {
          return ask(request, true);
        }
        const whole = withAllFields(request);
        const answer = await ask(whole, true);
        onAnswer(url.host, whole, answer);
        return answer;
      }),
    clusterNode: () => clusterNode,
    localAddress: transport.localAddress,
    pausedForMs: () => (closing === null ? Math.max(0, resumeAt - monotonic()) : 0),
    stop: (stop) => {
      stopped ??= stop;
    },
    close: () => {
      if (closing === null) {
        closing = inTurn(logout).finally(() => {
          transport.disconnect();
        });
        if (!session.loggingIn) {
          transport.abort();
        }
      }
      return closing;
    },
  };
}

/** Codes that speak of the password, or want another one; a bare 401 at the login itself can mean nothing else. */
const REJECTIONS: ReadonlySet<string> = new Set([
  "354",
  "355",
  "1025",
  "1034",
  "1046",
  "1047",
  "http_401",
]);

/** An error of NITRO's own, rather than one of HTTP. */
function isNitro(code: string): boolean {
  return /^\d+$/.test(code);
}

type Broken = Extract<Judged, { kind: "broken" }>;

function isRejection({ code }: Broken): boolean {
  return REJECTIONS.has(code);
}

/** Why no request is made, and what ends that state. */
function stopOf(
  { rejection, until }: Extract<NitroBegin, { kind: "stopped" }>,
  monotonicAt: (wallMs: number) => number,
): NitroStop {
  const { since, code, message } = rejection;
  const end =
    until === null
      ? "no retry until the password changes"
      : `next try at ${new Date(until).toISOString()}`;
  return {
    kind: "stopped",
    code,
    message: `stopped: wrong credentials since ${new Date(since).toISOString()} (${message}); ${end}`,
    ...(until === null ? {} : { again: monotonicAt(until) }),
  };
}

function rowsOf(envelope: Envelope, resource: string): NitroAnswer {
  return {
    kind: "rows",
    rows: envelope.rows.get(resource) ?? [],
    secondary: actionOf(envelope.errorCode) === "secondary",
    weight: envelope.weight,
  };
}

function withAllFields(request: NitroGet): NitroGet {
  const { attrs, ...query } = request.query ?? {};
  return attrs === undefined ? request : { ...request, query };
}

/** Names may hold anything, halves of characters included: each is one percent-encoded path segment. */
function pathOf({ kind, resource, name, query }: NitroGet): string {
  const segment =
    name === undefined ? "" : `/${encodeURIComponent(name.replace(/\p{Surrogate}/gu, "\uFFFD"))}`;
  const search = Object.entries(query ?? {})
    .map(([key, value]) => `${key}=${encodeURIComponent(value).replaceAll("%2C", ",")}`)
    .join("&");
  return `/nitro/v1/${kind}/${resource}${segment}${search === "" ? "" : `?${search}`}`;
}
