import type { ServiceContext } from "../service-context.ts";
import { answer, type LabAnswer, type LabRequest } from "./http-exchange.ts";

/** /Microsoft-Server-ActiveSync: OPTIONS; a command without a policy key must provision first (MS-ASHTTP). */
export async function activeSync(request: LabRequest): Promise<LabAnswer> {
  switch (request.method.toUpperCase()) {
    case "OPTIONS":
      return answer(200, [
        ["Allow", "OPTIONS,POST"],
        ["Public", "OPTIONS,POST"],
        ["MS-Server-ActiveSync", "15.1"],
        ["MS-ASProtocolVersions", "2.5,12.0,12.1,14.0,14.1,16.0,16.1"],
        [
          "MS-ASProtocolCommands",
          "Sync,SendMail,SmartForward,SmartReply,GetAttachment,GetHierarchy,CreateCollection,DeleteCollection," +
            "MoveCollection,FolderSync,FolderCreate,FolderDelete,FolderUpdate,MoveItems,GetItemEstimate," +
            "MeetingResponse,Search,Settings,Ping,ItemOperations,Provision,ResolveRecipients,ValidateCert,Find",
        ],
      ]);
    case "POST":
      await request.body();
      return answer(449, [["MS-Server-ActiveSync", "15.1"]]);
    default:
      return answer(501, [["MS-Server-ActiveSync", "15.1"]]);
  }
}

/** The lab's offline address book, whose address is in Autodiscover's answer. */
export const OAB_GUID = "2b3c7f1e-6a52-4c0d-9a57-0d7f3c1f6a10";

/** /OAB/<guid>/oab.xml. */
export async function addressBook(
  request: LabRequest,
  context: ServiceContext,
): Promise<LabAnswer> {
  if (request.path.toLowerCase() !== `/oab/${OAB_GUID}/oab.xml`) {
    return answer(request.path.endsWith("/") ? 403 : 404);
  }
  return answer(
    200,
    [["Content-Type", "text/xml"]],
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><OAB><OAL id="' +
      `${OAB_GUID}" dn="/" name="\\Default Offline Address Book (${context.organisation.acceptedDomains[0] ?? ""})">` +
      '<Full seq="1" ver="32" size="0" uncompressedsize="0" SHA="">data-1.lzx</Full></OAL></OAB>',
  );
}

/** An RTS PDU with the ECHO flag and no command (MS-RPCH 2.2.3.6). */
const ECHO = Buffer.from("0500140310000000140000000000000040000000", "hex");

/** Largest Content-Length that makes a channel request an echo request (MS-RPCH 2.1.2.1.5). */
const ECHO_LIMIT = 0x10;

/** /rpc/rpcproxy.dll: echo of RPC_IN_DATA and RPC_OUT_DATA; without a destination there is nothing to proxy to. */
export async function outlookAnywhere(request: LabRequest): Promise<LabAnswer> {
  const channel = /^RPC_(IN|OUT)_DATA$/i.test(request.method);
  if (!/^[^:]+:(6001|6002|6004)$/.test(request.query) || !channel) {
    return answer(404, [["X-CasErrorCode", "EndpointNotFound"]]);
  }
  const length = Number(request.header("content-length") ?? Number.NaN);
  if (!(length <= ECHO_LIMIT)) {
    return answer(503, [["X-CasErrorCode", "ServerUnavailable"]]); // the lab has no virtual connections
  }
  await request.body();
  return { ...answer(200, [["Content-Type", "application/rpc"]], ECHO), statusText: "Success" };
}
