import type { Estate } from "../../../src/model/estate.ts";
import type {
  AuthenticationVserver,
  Vserver,
  VserverAuthentication,
} from "../../../src/model/vserver.ts";
import { type AaaGate, notPrivileged } from "../aaa/gate.ts";
import type { AaaUser } from "../aaa/options.ts";
import type { CsRuntime } from "../cs-runtime.ts";
import { evaluate, holds, type ExpressionSubject } from "../expression.ts";
import type { Choice, LbRuntime } from "../lb-runtime.ts";
import { redirect, serviceUnavailable, type Answer } from "./answer.ts";
import type { RequestHead } from "./message.ts";
import { bindings, respond, rewriteUrl } from "./policies.ts";

/** The decision on one request. */
export type Decision =
  | { readonly kind: "answer"; readonly answer: Answer }
  /** A posted login form of AAA, whose body is to be read. */
  | { readonly kind: "login" }
  | {
      readonly kind: "forward";
      readonly request: RequestHead;
      readonly choice: Choice;
      /** The user who logged in at the ADC, if a login was required. */
      readonly user: AaaUser | null;
      /** A traffic policy asks for the login form at the server to be filled in for the user. */
      readonly formSso: boolean;
    };

/** What a vserver's HTTP side needs from the appliance. */
export interface SiteWorld {
  readonly estate: Estate;
  readonly gate: AaaGate;
  readonly lb: (name: string) => LbRuntime | null;
  readonly authenticationVserver: (name: string) => AuthenticationVserver | null;
}

/** Decides requests of one HTTP or SSL vserver, in the ADC's order: responder, switching, AAA, authorization, rewrite, balancing. */
export class HttpSite {
  readonly #world: SiteWorld;
  readonly #runtime: LbRuntime | CsRuntime;

  constructor(world: SiteWorld, runtime: LbRuntime | CsRuntime) {
    this.#world = world;
    this.#runtime = runtime;
  }

  decide(request: RequestHead, clientAddress: string): Decision {
    const subject = subjectOf(request, []);
    const front = this.#runtime;
    const responded = respond(this.#world.estate, front.vserver.policies, subject);
    if (responded !== null) {
      return { kind: "answer", answer: responded };
    }
    if (!("route" in front)) {
      return this.#balance(front, request, clientAddress, front.vserver.authentication);
    }
    const target = front.route(subject);
    if (target !== null && this.#world.authenticationVserver(target) !== null) {
      const page = this.#world.gate.ownPage(request);
      return page === null || page.kind === "pass"
        ? { kind: "answer", answer: redirect("/logon/LogonPoint/tmindex.html") }
        : page;
    }
    const lb = target === null ? null : this.#world.lb(target);
    if (lb === null) {
      const url = front.vserver.redirectUrl;
      return {
        kind: "answer",
        answer: url === null ? serviceUnavailable() : redirectTo(url, request),
      };
    }
    const own = lb.vserver.authentication;
    const gate = own.form || own.http401 ? own : front.vserver.authentication;
    const rewritten = rewriteUrl(this.#world.estate, front.vserver.policies, subject);
    return this.#balance(
      lb,
      rewritten === null ? request : request.withTarget(rewritten),
      clientAddress,
      gate,
    );
  }

  #balance(
    lb: LbRuntime,
    request: RequestHead,
    clientAddress: string,
    authentication: VserverAuthentication,
  ): Decision {
    const { estate } = this.#world;
    const serving = lb.effective();
    if (serving === null) {
      const url = lb.vserver.redirectUrl;
      return {
        kind: "answer",
        answer: url === null ? serviceUnavailable() : redirectTo(url, request),
      };
    }
    if (this.#runtime !== lb) {
      const responded = respond(estate, lb.vserver.policies, subjectOf(request, []));
      if (responded !== null) {
        return { kind: "answer", answer: responded };
      }
    }
    const gate = this.#world.gate.decide(request, authentication);
    if (gate.kind !== "pass") {
      return gate;
    }
    if (gate.user !== null && !this.#authorized(lb.vserver, request, gate.user)) {
      return { kind: "answer", answer: notPrivileged() };
    }
    const subject = subjectOf(request, gate.user?.groups ?? []);
    const rewritten = rewriteUrl(estate, lb.vserver.policies, subject);
    const choice = serving.choose({
      address: clientAddress,
      cookie: (name) => request.cookie(name),
      rule: (expression) => {
        const value = evaluate(expression, subject);
        return typeof value === "string" && value !== "" ? value : null;
      },
    });
    return choice === null
      ? { kind: "answer", answer: serviceUnavailable() }
      : {
          kind: "forward",
          request: rewritten === null ? request : request.withTarget(rewritten),
          choice,
          user: gate.user,
          formSso: bindings(estate, lb.vserver.policies, "tm traffic").some(({ policy }) =>
            holds(policy.rule, subject),
          ),
        };
  }

  /** Authorization policies of the vserver: the first that matches says ALLOW or DENY; without any, all are allowed. */
  #authorized(vserver: Vserver, request: RequestHead, user: AaaUser): boolean {
    const subject = subjectOf(request, user.groups);
    const policies = bindings(this.#world.estate, vserver.policies, "authorization");
    const decisive = policies.find(({ policy }) => holds(policy.rule, subject));
    return policies.length === 0 || decisive?.policy.action?.toUpperCase() === "ALLOW";
  }
}

function subjectOf(request: RequestHead, groups: readonly string[]): ExpressionSubject {
  return {
    method: request.method,
    url: request.target,
    host: request.host,
    header: (name) => request.header(name),
    cookie: (name) => request.cookie(name),
    groups,
  };
}

/** A redirect URL that names no path keeps the request's (NetScaler docs: redirect URL). */
function redirectTo(url: string, request: RequestHead): Answer {
  const bare = /^https?:\/\/[^/]+$/i.test(url);
  return redirect(bare ? `${url}${request.target}` : url);
}
