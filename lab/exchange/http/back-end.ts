import { setTimeout as delay } from "node:timers/promises";
import type { ProtocolState } from "../protocol-state.ts";
import { answer, type LabAnswer } from "./http-exchange.ts";

/** The front end's own response if the back end fails: 503 immediately, or 504 after its time-out; null if it works. */
export async function backEndFailure(state: ProtocolState): Promise<LabAnswer | null> {
  if (state.backend === "up") {
    return null;
  }
  if (state.backend === "dead") {
    return answer(503, [
      ["X-CasErrorCode", "ServerUnavailable"],
      ["X-FailureContext", "FrontEnd;503;U2VydmljZVVuYXZhaWxhYmxl;;;;"],
    ]);
  }
  await delay(state.backend.hungMs, undefined, { ref: false });
  return answer(504, [["X-CasErrorCode", "BackEndRequestTimedOut"]]);
}
