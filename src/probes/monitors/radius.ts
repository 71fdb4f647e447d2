import { randomBytes, randomInt } from "node:crypto";
import type { LoginOutcome } from "../../model/observation.ts";
import { discloseAsTheAdcDoes } from "../../net/server-proof.ts";
import { NO_SECRET } from "../../lib/secret.ts";
import { observe } from "../../net/probe-run.ts";
import {
  decodeRadiusAnswer,
  encodeAccessRequest,
  RADIUS_CODES,
  type RadiusRequest,
} from "../protocols/radius-message.ts";
import { askUdp } from "../../net/udp.ts";
import { needsCredential, type MonitorType } from "./spec.ts";
import { isAmong } from "./http.ts";

/**
 * RADIUS: an Access-Request with PAP; the answer's code must be among `respCode` (2, Access-Accept, by default; 3 is
 * Access-Reject). Answers not signed with the shared secret are passed over. A rejected login that is not asked for says
 * something about the account, never that the server is down. NetScaler docs: "RADIUS monitors".
 */
export const radiusMonitor: MonitorType = {
  type: "RADIUS",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const { credential } = spec;
      if (credential === null) {
        return run.fault(
          "login",
          "not_configured",
          "this monitor needs an account and a shared secret",
        );
      }
      run.redact(credential.password, credential.secret);
      const { radNasId, radNasIp, respCodes } = spec.monitor.parameters;
      const request: RadiusRequest = {
        id: randomInt(256),
        authenticator: randomBytes(16),
        username: credential.username,
        password: discloseAsTheAdcDoes(credential.password),
        secret: discloseAsTheAdcDoes(credential.secret ?? NO_SECRET),
        nasId: radNasId,
        nasIp: radNasIp,
      };
      run.login = "unanswered";
      const answer = await askUdp(run, target, {
        payload: encodeAccessRequest(request),
        shown: `Access-Request for ${credential.username}\n`,
        accept: (data) => decodeRadiusAnswer(data, request) !== null,
      });
      if (answer.kind === "failed") {
        run.login = null;
        return run.fail(answer.step, answer.why);
      }
      if (answer.kind !== "datagram") {
        const isRefused = answer.kind === "named" && answer.outcome === "refused";
        // Nobody listens there: the system of the server says so, and nobody has looked at the password.
        run.login = isRefused ? "not_tried" : "unanswered";
        return run.fail("response", answer);
      }
      run.responseTimeMs = run.phase("first_byte");
      const code = decodeRadiusAnswer(answer.data, request) ?? 0;
      run.login = fateOf(code);
      if (
        isAmong(
          code,
          respCodes ?? [{ from: RADIUS_CODES.accessAccept, to: RADIUS_CODES.accessAccept }],
        )
      ) {
        return run.match("response", `code ${code}`);
      }
      return code === RADIUS_CODES.accessReject || code === RADIUS_CODES.accessChallenge
        ? run.fault("login", "auth_rejected", `code ${code}`)
        : run.mismatch("response", "bad_status", `code ${code}`);
    }),
  reversePasses: ["mismatch"],
  source: "SNIP",
  transport: "udp",
  meaningfulAtVip: true,
  defaultPort: 1812,
  unsupported: (spec) =>
    spec.credential !== null && spec.credential.secret === null
      ? `monitors.${spec.monitor.name} needs a secret_file with the shared secret`
      : needsCredential(spec),
};

/** What the answer says of the credential, whatever the monitor expects: a challenge is no acceptance. */
function fateOf(code: number): LoginOutcome {
  switch (code) {
    case RADIUS_CODES.accessAccept:
      return "accepted";
    case RADIUS_CODES.accessReject:
      return "rejected";
    default:
      return "unanswered";
  }
}
