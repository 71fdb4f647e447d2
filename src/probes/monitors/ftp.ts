import type { LoginOutcome, Observation } from "../../model/observation.ts";
import type { ExchangeError } from "../../net/exchange-error.ts";
import type { Connection } from "../../net/connection.ts";
import { dial, dialAddress } from "../../net/dial.ts";
import { disclose } from "../../net/server-proof.ts";
import { LineReader } from "../../net/line-reader.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import { readReply, type CodedReply } from "../../net/mail-replies.ts";
import { monitorUser, needsCredential, type MonitorSpec, type MonitorType } from "./spec.ts";

/** Maximum bytes of a file that are read. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

const COMMON = {
  reversePasses: ["mismatch"],
  transport: "tcp",
  meaningfulAtVip: true,
  defaultPort: 21,
} as const;

/**
 * FTP: greeting, login, and a passive data connection that lists names. Without a configured user it logs in as `anonymous`.
 * A rejected login never counts as a server fault. NetScaler docs: "FTP monitors": "the monitor opens the control connection,
 * then the data connection".
 */
export const ftpMonitor: MonitorType = {
  ...COMMON,
  type: "FTP",
  source: "SNIP",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const dialled = await dial(run, target, { tls: spec.tls });
      return dialled.kind === "failed"
        ? run.fail(dialled.step, dialled.why)
        : new FtpExchange(run, dialled.connection, spec).transfer("NLST");
    }),
  unsupported: (spec) =>
    spec.credential === null && monitorUser(spec.monitor) === null ? null : needsCredential(spec),
};

/** FTP-EXTENDED (nsftp.pl): retrieves the whole of `fileName`. NetScaler docs: "FTP-EXTENDED monitors". */
export const ftpExtendedMonitor: MonitorType = {
  ...COMMON,
  type: "FTP-EXTENDED",
  source: "NSIP",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const dialled = await dial(run, target, { tls: spec.tls });
      return dialled.kind === "failed"
        ? run.fail(dialled.step, dialled.why)
        : new FtpExchange(run, dialled.connection, spec).transfer(
            `RETR ${spec.monitor.parameters.fileName ?? ""}`,
          );
    }),
  unsupported: (spec) =>
    spec.monitor.parameters.fileName === null
      ? "FTP-EXTENDED has no fileName to fetch"
      : needsCredential(spec),
};

class FtpExchange {
  readonly #run: ProbeRun;
  readonly #connection: Connection;
  readonly #reader: LineReader;
  readonly #spec: MonitorSpec;

  constructor(run: ProbeRun, connection: Connection, spec: MonitorSpec) {
    this.#run = run;
    this.#connection = connection;
    this.#reader = new LineReader(connection);
    this.#spec = spec;
  }

  async transfer(command: string): Promise<Observation> {
    const run = this.#run;
    const failure = (await this.#greet()) ?? (await this.#logIn());
    if (failure !== null) {
      return failure;
    }
    const passive = await this.#ask("EPSV");
    const port = passive.kind === "reply" ? passivePort(passive) : null;
    if (passive.kind !== "reply") {
      return run.fail("response", passive);
    }
    const dataPort = port ?? (await this.#pasvPort());
    if (typeof dataPort !== "number") {
      return dataPort;
    }
    // Only the port of the reply is used; the address stays that of the control connection.
    const data = await dialAddress(run, this.#connection.remote.address, dataPort);
    if (data.kind === "failed") {
      return run.fail("transaction", data.why);
    }
    const opening = await this.#ask(command);
    if (opening.kind !== "reply") {
      return run.fail("transaction", opening);
    }
    if (opening.code === 550 && command === "NLST") {
      // An empty directory: the data connection worked.
      return this.#quit();
    }
    if (opening.code >= 400) {
      return run.mismatch("transaction", "bad_status", `${opening.code} ${opening.text}`);
    }
    const drained = await readToEnd(data.connection);
    if (drained !== null) {
      return run.fail("transaction", drained);
    }
    const done = opening.code < 200 ? await readReply(this.#reader) : opening;
    run.phase("transfer");
    if (done.kind !== "reply") {
      return run.fail("transaction", done);
    }
    return done.code < 300
      ? this.#quit()
      : run.mismatch("transaction", "bad_status", `${done.code} ${done.text}`);
  }

  async #greet(): Promise<Observation | null> {
    const greeting = await readReply(this.#reader);
    this.#run.phase("banner");
    if (greeting.kind !== "reply") {
      return this.#run.fail("banner", greeting);
    }
    return greeting.code === 220
      ? null
      : this.#run.mismatch("banner", "bad_status", `${greeting.code} ${greeting.text}`);
  }

  async #logIn(): Promise<Observation | null> {
    const run = this.#run;
    const { credential } = this.#spec;
    run.redact(credential?.password ?? null);
    const password =
      credential === null
        ? null
        : disclose(this.#connection, credential.password, this.#spec.tls === null);
    if (password?.kind === "withheld") {
      return password.observation;
    }
    let reply = await this.#ask(`USER ${credential?.username ?? "anonymous"}`);
    if (reply.kind === "reply" && reply.code === 331) {
      run.login = credential === null ? null : "unanswered";
      reply = await this.#ask(`PASS ${password?.text ?? "adc-witness@"}`);
    }
    run.phase("login");
    if (reply.kind !== "reply") {
      return run.fail("login", reply);
    }
    if (run.login !== null) {
      run.login = passOutcome(reply.code);
    }
    if (reply.code < 300) {
      return null;
    }
    const words = `${reply.code} ${reply.text}`;
    return reply.code === 530 || reply.code === 331 || reply.code === 332
      ? run.fault("login", "auth_rejected", words)
      : run.mismatch("login", "bad_status", words);
  }

  async #pasvPort(): Promise<number | Observation> {
    const reply = await this.#ask("PASV");
    if (reply.kind !== "reply") {
      return this.#run.fail("response", reply);
    }
    return (
      passivePort(reply) ??
      this.#run.mismatch("response", "bad_status", `no passive port: ${reply.code} ${reply.text}`)
    );
  }

  async #quit(): Promise<Observation> {
    this.#run.responseTimeMs = this.#run.elapsedMs();
    await this.#ask("QUIT");
    this.#run.phase("quit");
    return this.#run.match("transaction");
  }

  #ask(command: string): Promise<CodedReply | ExchangeError> {
    this.#connection.write(`${command}\r\n`);
    return readReply(this.#reader);
  }
}

/** Result of the reply to PASS (RFC 959 section 5.4): only 421 means that the server is unavailable. */
function passOutcome(code: number): LoginOutcome {
  if (code < 300) {
    return "accepted";
  }
  return code === 421 ? "not_tried" : code === 530 ? "rejected" : "unanswered";
}

/** Port of `229 … (|||6446|)` (RFC 2428) or `227 … (h1,h2,h3,h4,p1,p2)` (RFC 959). */
export function passivePort(reply: CodedReply): number | null {
  if (reply.code === 229) {
    const port = /\(\|\|\|(\d{1,5})\|\)/.exec(reply.text)?.[1];
    return port === undefined ? null : validPort(Number(port));
  }
  const numbers = /(?:\d{1,3},){4}(\d{1,3}),(\d{1,3})/.exec(reply.text);
  return reply.code === 227 && numbers !== null
    ? validPort(Number(numbers[1]) * 256 + Number(numbers[2]))
    : null;
}

function validPort(port: number): number | null {
  return port > 0 && port < 65_536 ? port : null;
}

/** Reads a data connection to its end; returns an error or null. */
async function readToEnd(data: Connection): Promise<ExchangeError | null> {
  for (;;) {
    const next = await data.read();
    if (next.kind === "closed") {
      data.close();
      return null;
    }
    if (next.kind !== "data") {
      return next;
    }
    if (data.bytesReceived > MAX_FILE_BYTES) {
      data.close("RESET");
      return null;
    }
  }
}
