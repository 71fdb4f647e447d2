import type { Socket } from "node:net";
import { createLineConnection, type LineConnection } from "../line-connection.ts";
import type { ProtocolState } from "../protocol-state.ts";
import { answerBind, EPM, fault, PTYPE, readPdu, type Pdu, type RpcInterface } from "./dce-rpc.ts";
import { answerEptMap, type MappedInterface } from "./endpoint-map.ts";

const ACCESS_DENIED = 5;
const OPERATION_RANGE = 0x1c010002;

/** Serves a static RPC port: binds to its interfaces; calls need an authenticated context, so each gets a fault. */
export function serveRpc(
  socket: Socket,
  state: () => ProtocolState,
  registered: readonly RpcInterface[],
  port: number,
): Promise<void> {
  return servePdus(socket, state, (pdu) =>
    pdu.type === PTYPE.request
      ? fault(pdu.callId, ACCESS_DENIED)
      : answerBind(pdu, registered, port),
  );
}

/** Serves the endpoint mapper of port 135: bind and ept_map. */
export function serveEndpointMapper(
  socket: Socket,
  state: () => ProtocolState,
  mapped: readonly MappedInterface[],
): Promise<void> {
  const address = socket.localAddress ?? "127.0.0.1";
  return servePdus(socket, state, (pdu) =>
    pdu.type === PTYPE.request
      ? (answerEptMap(pdu, mapped, address) ?? fault(pdu.callId, OPERATION_RANGE))
      : answerBind(pdu, [EPM], 135),
  );
}

async function servePdus(
  socket: Socket,
  state: () => ProtocolState,
  answer: (pdu: Pdu) => Buffer,
): Promise<void> {
  const connection: LineConnection = createLineConnection(socket, {
    secure: false,
    delayMs: () => state().delayMs,
  });
  while (connection.isOpen()) {
    const pdu = await readPdu(connection);
    if (
      pdu === null ||
      ![PTYPE.request, PTYPE.bind, PTYPE.alter].some((type) => type === pdu.type)
    ) {
      break;
    }
    await connection.send(answer(pdu));
  }
  connection.end();
}
