import type { HttpAuthScheme } from "../condition.ts";
import { channelBindingOf } from "../ntlm/channel-binding.ts";
import { advanceNtlm, ntlmServerOf } from "../ntlm/ntlm-server.ts";
import type { LabAccount } from "../organisation.ts";
import type { ProtocolState } from "../protocol-state.ts";
import type { ServiceContext } from "../service-context.ts";
import { answer, type LabAnswer, type LabRequest } from "./http-exchange.ts";

export type HttpIdentity =
  | { readonly kind: "known"; readonly account: LabAccount }
  /** Not logged in, or a handshake in progress: send this answer. */
  | { readonly kind: "challenge"; readonly answer: LabAnswer };

/** Authenticates a request as IIS does, by the schemes of this virtual directory. */
export function identify(
  request: LabRequest,
  context: ServiceContext,
  state: ProtocolState,
  schemes: readonly HttpAuthScheme[],
): HttpIdentity {
  const header = request.header("authorization") ?? "";
  const [, scheme = "", token = ""] = /^(\S+)\s*(.*)$/.exec(header) ?? [];
  const used = schemes.find((one) => one.toLowerCase() === scheme.toLowerCase());
  if (used === "Bearer") {
    return { kind: "challenge", answer: challenge(request, context, schemes) };
  }
  if (used === "Basic") {
    return basic(request, context, schemes, token);
  }
  if (used !== undefined) {
    return ntlm(request, context, state, schemes, used, token);
  }
  const account = request.connection.ntlm?.account ?? null;
  return header === "" && account !== null
    ? { kind: "known", account }
    : { kind: "challenge", answer: challenge(request, context, schemes) };
}

function basic(
  request: LabRequest,
  context: ServiceContext,
  schemes: readonly HttpAuthScheme[],
  token: string,
): HttpIdentity {
  const text = Buffer.from(token, "base64").toString("utf8");
  const colon = text.indexOf(":");
  const from = { server: context.name, protocol: "http" };
  const username = text.slice(0, Math.max(colon, 0));
  const result = context.organisation.authenticate(username, text.slice(colon + 1), from);
  return result.kind === "accepted"
    ? { kind: "known", account: result.account }
    : { kind: "challenge", answer: challenge(request, context, schemes) };
}

function ntlm(
  request: LabRequest,
  context: ServiceContext,
  state: ProtocolState,
  schemes: readonly HttpAuthScheme[],
  scheme: HttpAuthScheme,
  token: string,
): HttpIdentity {
  const { connection } = request;
  connection.ntlm ??= { negotiate: null, challenge: null, account: null };
  const server = ntlmServerOf(context, {
    extendedProtection: state.extendedProtection,
    channelBinding:
      connection.certificate === null ? null : channelBindingOf(connection.certificate),
  });
  const step = advanceNtlm(connection.ntlm, Buffer.from(token, "base64"), server);
  if (step.kind === "challenge") {
    const value = `${scheme} ${step.message.toString("base64")}`;
    return { kind: "challenge", answer: answer(401, [["WWW-Authenticate", value]]) };
  }
  const from = { server: context.name, protocol: "http" };
  if (step.kind === "rejected") {
    context.organisation.record({ ...from, username: step.username, accepted: false });
    return { kind: "challenge", answer: challenge(request, context, schemes) };
  }
  context.organisation.record({ ...from, username: step.account.username, accepted: true });
  return { kind: "known", account: step.account };
}

/** A 401 that offers every scheme. */
function challenge(
  request: LabRequest,
  context: ServiceContext,
  schemes: readonly HttpAuthScheme[],
): LabAnswer {
  const realm = (request.header("host") ?? context.fqdn).replace(/:\d+$/, "").replaceAll('"', "");
  const showsToken = /^Bearer\b/i.test(request.header("authorization") ?? "");
  const parameters: Readonly<Partial<Record<HttpAuthScheme, string>>> = {
    Basic: ` realm="${realm}"`,
    Bearer: ' client_id="00000002-0000-0ff1-ce00-000000000000"',
  };
  return answer(
    401,
    schemes
      .filter((scheme) => scheme !== "Bearer" || showsToken)
      .map((scheme) => ["WWW-Authenticate", `${scheme}${parameters[scheme] ?? ""}`]),
  );
}
