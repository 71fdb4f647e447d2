import { webTransaction } from "./web-transaction.ts";
import { WEB_PATHS } from "./web-paths.ts";

/**
 * Outlook Anywhere's echo (MS-RPCH 2.1.2.1.5): an RPC_OUT_DATA request with hardly a body is answered `200 Success` by the
 * proxy, without a connection to the mailbox. `rpc_server` names the destination, by default the host: a front end that
 * knows no such destination answers 404 `EndpointNotFound`, after the login, which is good enough.
 */
export const rpcEcho = webTransaction({
  transaction: "rpc_echo",
  request(spec) {
    const server = spec.options["rpc_server"] ?? spec.host;
    return {
      method: "RPC_OUT_DATA",
      path: spec.path ?? `${WEB_PATHS.rpc_echo}?${String(server)}:6001`,
      headers: [["Cache-Control", "no-cache"]],
      body: "",
    };
  },
  judge(answer) {
    const type = answer.headers.get("content-type") ?? "";
    if (answer.status === 200 && /^application\/rpc/i.test(type)) {
      return { kind: "good", detail: `echo of ${String(answer.body.length)} bytes` };
    }
    if (answer.status === 404 && answer.headers.get("x-caserrorcode") === "EndpointNotFound") {
      return { kind: "good", detail: "logged in; the front end knows no such destination" };
    }
    return answer.status === 200
      ? { kind: "bad", reason: "pattern_missing", detail: `200 of type ${type}` }
      : { kind: "other" };
  },
});
