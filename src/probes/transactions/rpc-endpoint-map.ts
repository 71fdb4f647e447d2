import { MessageReader } from "../../net/line-reader.ts";
import type { Observation } from "../../model/observation.ts";
import type { Target } from "../../net/probe-context.ts";
import type { FailureReason } from "../../model/reasons.ts";
import { protocolError, type ExchangeError } from "../../net/exchange-error.ts";
import type { Connection } from "../../net/connection.ts";
import { dial } from "../../net/dial.ts";
import type { ProbeRun } from "../../net/probe-run.ts";
import {
  encodeEptMap,
  EPT_MAP,
  EPT_NOT_REGISTERED,
  parseEptMap,
  EMSMDB,
  EPM,
  type RpcInterface,
  encodeBind,
  encodeRequest,
  fragmentLength,
  parseAnswer,
  RPC_HEADER_BYTES,
  type RpcAnswer,
} from "../protocols/dcerpc.ts";
import { ended, type Ended } from "./line-session.ts";
import type { TransactionType } from "../probe.ts";

const MAPPER_PORT = 135;

/**
 * RPC Client Access of Exchange 2010: asks the endpoint mapper for the port of EMSMDB, binds there, and compares. At a member
 * with a static port the mapper must return that port; otherwise clients use a port that neither the ADC nor the firewall
 * expects. `mapper_port` is 135 by default. `expected_port` gives the port, or several separated by commas, if the member is
 * the mapper itself; the plan fills in the ports of the ADC's monitors.
 */
export const rpcEndpointMap: TransactionType = {
  transaction: "rpc_endpoint_map",
  needsAccount: false,
  transport: "tcp",
  probe: async (run, spec, target) => {
    const mapperPort = numberOr(spec.options["mapper_port"], MAPPER_PORT);
    const isMapper = target.port === mapperPort;
    const expected = isMapper ? portsOf(spec.options["expected_port"]) : [target.port];
    const mapped = await mappedPort(run, { ...target, port: mapperPort });
    if (mapped.kind === "ended") {
      return mapped.observation;
    }
    if (expected.length > 0 && !expected.includes(mapped.port)) {
      const detail = `the endpoint mapper lists port ${String(mapped.port)}, the ADC has ${expected.join(", ")}`;
      return run.mismatch("response", "bad_status", detail);
    }
    return bindTo(run, { ...target, port: mapped.port });
  },
};

async function mappedPort(
  run: ProbeRun,
  mapper: Target,
): Promise<{ readonly kind: "port"; readonly port: number } | Ended> {
  const bound = await bind(run, mapper, EPM);
  if (bound.kind === "ended") {
    return bound;
  }
  const { connection } = bound;
  const answer = await ask(
    connection,
    encodeRequest(2, EPT_MAP, encodeEptMap(EMSMDB)),
    "ept_map EMSMDB",
  );
  run.phase("transaction");
  connection.close();
  if (answer.kind !== "response") {
    return ended(unexpected(run, answer));
  }
  const result = parseEptMap(answer.stub);
  switch (result.kind) {
    case "invalid":
      return ended(run.ended("failed", "response", "protocol_error", result.detail));
    case "status": {
      const detail =
        result.status === EPT_NOT_REGISTERED
          ? "EMSMDB is not registered: RPC Client Access is not running"
          : `the endpoint mapper returned status 0x${result.status.toString(16)}`;
      return ended(run.mismatch("response", "service_not_active", detail));
    }
    case "ports": {
      const [port] = result.ports;
      run.transcript.note(`EMSMDB is at port ${result.ports.join(", ")}`);
      return port === undefined
        ? ended(run.mismatch("response", "service_not_active", "EMSMDB has no TCP port"))
        : { kind: "port", port };
    }
  }
}

/** An ADC completes handshakes at once, so a timeout means a packet filter; these ports are often open only to clients. */
const FILTERED_DETAIL = "no TCP response: the path from this agent to this port is blocked";

async function bindTo(run: ProbeRun, target: Target): Promise<Observation> {
  const bound = await bind(run, target, EMSMDB);
  if (bound.kind === "ended") {
    return bound.observation;
  }
  bound.connection.close();
  return run.match("response", `EMSMDB answers at port ${String(target.port)}`);
}

async function bind(
  run: ProbeRun,
  target: Target,
  wanted: RpcInterface,
): Promise<{ readonly kind: "bound"; readonly connection: Connection } | Ended> {
  const dialled = await dial(run, target, { tls: null });
  if (dialled.kind === "failed") {
    return ended(
      run.context.vantage !== "backend" && dialled.why.kind === "timeout"
        ? run.fault(dialled.step, "agent_path", FILTERED_DETAIL)
        : run.fail(dialled.step, dialled.why),
    );
  }
  const { connection } = dialled;
  const answer = await ask(connection, encodeBind(1, wanted), `bind ${wanted.uuid}`);
  run.phase("banner");
  return answer.kind === "bound" ? { kind: "bound", connection } : ended(unexpected(run, answer));
}

function unexpected(run: ProbeRun, answer: RpcAnswer | ExchangeError): Observation {
  const failure = (reason: FailureReason, detail: string): Observation =>
    run.mismatch("response", reason, detail);
  switch (answer.kind) {
    case "bind_refused":
      return failure(
        "service_not_active",
        `the bind was rejected, reason ${String(answer.reason)}`,
      );
    case "fault":
      return failure("protocol_error", `fault 0x${answer.status.toString(16)}`);
    case "invalid":
      return run.ended("failed", "response", "protocol_error", answer.detail);
    case "bound":
    case "response":
      return run.ended("failed", "response", "protocol_error", `unexpected ${answer.kind}`);
    default:
      return run.fail("response", answer);
  }
}

/** Sends one packet and reads one reply of at most one fragment. */
async function ask(
  connection: Connection,
  packet: Buffer,
  shown: string,
): Promise<RpcAnswer | ExchangeError> {
  connection.write(packet, `${shown}\n`);
  const message = await new MessageReader(connection, (received) =>
    received.length < RPC_HEADER_BYTES
      ? null
      : (fragmentLength(received) ?? protocolError("not an RPC packet")),
  ).next();
  return message.kind === "message" ? parseAnswer(message.data) : message;
}

/** Empty: any port is accepted. */
function portsOf(option: string | number | boolean | undefined): readonly number[] {
  return option === undefined ? [] : String(option).split(",").map(Number);
}

function numberOr<T>(value: string | number | boolean | undefined, otherwise: T): number | T {
  return typeof value === "number" ? value : otherwise;
}
