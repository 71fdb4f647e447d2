import { monitorCredential, sealed } from "../support/sealed.ts";
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { describe, expect, onTestFinished, test } from "vitest";
import type { CodeRange } from "../../src/model/monitor.ts";
import { runMonitor } from "../../src/probes/monitors/registry.ts";
import type { MonitorSpec } from "../../src/probes/monitors/spec.ts";
import type { LoginOutcome, Observation } from "../../src/model/observation.ts";
import { loginOutcome } from "../../src/probes/probe.ts";
import { runTransaction } from "../../src/probes/transactions/registry.ts";
import { monitorSpec } from "../support/monitor-spec.ts";
import { mysqlServer } from "../support/mysql-server.ts";
import { probeContext } from "../support/probe-context.ts";
import { serve, type Behaviour } from "../support/scripted-server.ts";
import { transactionSpec } from "./transactions/transaction-spec.ts";

const credential = monitorCredential({ username: "kessler", password: "secret-1" });
const account = { ...credential, name: "a", address: null, domain: null };

async function portOf(behaviour: Behaviour): Promise<number> {
  const server = await serve(behaviour);
  onTestFinished(() => server.close());
  return server.port;
}

async function monitorAt(port: number, spec: MonitorSpec): Promise<Observation> {
  const target = { host: "127.0.0.1", port, server: null };
  return (await runMonitor(spec, target, probeContext(2_000))).observation;
}

/** A bind's answer with this result code. */
function ldapServer(code: number): Behaviour {
  return (socket) => {
    socket.on("data", (data) => {
      if (data[5] === 0x60) {
        const head = [0x30, 0x0c, 0x02, 0x01, data[4] ?? 0];
        socket.write(Buffer.from([...head, 0x61, 0x07, 0x0a, 0x01, code, 0x04, 0x00, 0x04, 0x00]));
      }
    });
  };
}

describe("loginOutcome for LDAP", () => {
  test.each<readonly [number, LoginOutcome, string]>([
    [49, "rejected", "auth_rejected"],
    [51, "not_tried", "backend_unavailable"],
    [52, "not_tried", "backend_unavailable"],
    [8, "not_tried", "scheme_unsupported"],
    [13, "not_tried", "scheme_unsupported"],
    [7, "not_tried", "scheme_unsupported"],
    [10, "not_tried", "bad_status"],
    [48, "unanswered", "bad_status"],
    [53, "unanswered", "bad_status"],
    [1, "unanswered", "bad_status"],
    [80, "unanswered", "bad_status"],
  ])("maps bind result code %d to %s", async (code, login, reason) => {
    const port = await portOf(ldapServer(code));
    const monitor = await monitorAt(port, monitorSpec("LDAP", {}, { credential }));
    const transaction = await runTransaction(
      transactionSpec("ldap_bind", { account, allowPlaintext: true }),
      { host: "127.0.0.1", port, server: null },
      probeContext(2_000),
    );
    for (const seen of [monitor, transaction]) {
      expect(seen.reason).toBe(reason);
      expect(loginOutcome(seen)).toBe(login);
    }
  });

  test("is not_tried when the bind is anonymous", async () => {
    const seen = await monitorAt(await portOf(ldapServer(49)), monitorSpec("LDAP"));
    expect(loginOutcome(seen)).toBe("not_tried");
  });
});

describe("loginOutcome for RADIUS", () => {
  const EXPECTS_ANY: readonly CodeRange[] = [{ from: 2, to: 3 }];

  async function radius(code: number | null): Promise<number> {
    const socket = createSocket("udp4");
    socket.on("message", (request, from) => {
      if (code === null) {
        return;
      }
      const head = Buffer.from([code, request[1] ?? 0, 0, 20]);
      const signed = Buffer.concat([head, request.subarray(4, 20), Buffer.from("shared")]);
      const answer = Buffer.concat([head, createHash("md5").update(signed).digest()]);
      socket.send(answer, from.port, from.address);
    });
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    onTestFinished(() => {
      socket.close();
    });
    return socket.address().port;
  }
  const spec = (respCodes: readonly CodeRange[] | null): MonitorSpec =>
    monitorSpec(
      "RADIUS",
      { respCodes },
      { credential: { ...credential, secret: sealed("shared") } },
    );

  test.each<readonly [number | null, readonly CodeRange[] | null, string, LoginOutcome]>([
    [2, null, "match", "accepted"],
    [3, null, "fault", "rejected"],
    [3, EXPECTS_ANY, "match", "rejected"],
    [11, [{ from: 11, to: 11 }], "match", "unanswered"],
    [null, EXPECTS_ANY, "timeout", "unanswered"],
  ])(
    "follows the response code: %s with expected codes %j gives outcome %s and login %s",
    async (code, expected, outcome, login) => {
      const seen = await monitorAt(await radius(code), spec(expected));
      expect(seen.outcome).toBe(outcome);
      expect(loginOutcome(seen)).toBe(login);
    },
  );
});

describe("loginOutcome for FTP", () => {
  test.each<readonly [string, LoginOutcome]>([
    ["530 Login incorrect.", "rejected"],
    ["421 Service not available.", "not_tried"],
    ["500 OOPS: service not available", "unanswered"],
    ["332 Need account", "unanswered"],
    ["430 Invalid username or password", "unanswered"],
  ])('maps reply "%s" to %s', async (answer, login) => {
    const port = await portOf((socket) => {
      socket.write("220 ready\r\n");
      socket.on("data", (data) => {
        socket.write(data.toString().startsWith("USER") ? "331 go on\r\n" : `${answer}\r\n`);
      });
    });
    expect(loginOutcome(await monitorAt(port, monitorSpec("FTP", {}, { credential })))).toBe(login);
  });
});

describe("loginOutcome for MySQL", () => {
  const errorPacket = (code: number): Buffer => {
    const body = Buffer.from([0xff, code & 0xff, code >> 8, ...Buffer.from("#08004Too many")]);
    return Buffer.concat([Buffer.from([body.length, 0, 0, 0]), body]);
  };

  test("is not_tried when an error packet comes instead of the greeting", async () => {
    const port = await portOf((socket) => socket.write(errorPacket(1040)));
    const seen = await monitorAt(port, monitorSpec("MYSQL", {}, { credential }));
    expect(seen.reason).toBe("throttled");
    expect(loginOutcome(seen)).toBe("not_tried");
  });

  test("is rejected when the password is wrong", async () => {
    const port = await portOf(mysqlServer({ plugin: "mysql_native_password", queries: [] }));
    const seen = await monitorAt(port, monitorSpec("MYSQL", {}, { credential }));
    expect(loginOutcome(seen)).toBe("rejected");
  });
});

describe("loginOutcome for a command", () => {
  test.each<readonly [string, LoginOutcome]>([
    ["exit 0", "accepted"],
    ["exit 1", "unanswered"],
  ])("maps %s to %s", async (script, login) => {
    const spec = monitorSpec(
      "USER",
      { scriptName: "own.pl" },
      { credential, command: ["/bin/sh", "-c", script] },
    );
    expect(loginOutcome(await monitorAt(9, spec))).toBe(login);
  });
});

describe("loginOutcome for web logins", () => {
  const CHALLENGE =
    'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n';
  test.each<readonly [string, LoginOutcome]>([
    ["401 Unauthorized", "rejected"],
    ["503 Service Unavailable", "not_tried"],
    ["429 Too Many Requests", "not_tried"],
    ["500 Service Unavailable, try later", "unanswered"],
    ["502 Bad Gateway", "unanswered"],
    ["403 SSL is required", "unanswered"],
    ["200 the service is not available", "unanswered"],
  ])('maps status "%s" to %s', async (status, login) => {
    const port = await portOf((socket) => {
      let text = "";
      socket.on("data", (data) => {
        text += data.toString("latin1");
        for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
          const isLogin = /^Authorization:/im.test(text.slice(0, end));
          socket.write(
            isLogin ? `HTTP/1.1 ${status}\r\nContent-Length: 7\r\n\r\nssl tls` : CHALLENGE,
          );
          text = text.slice(end + 4);
        }
      });
    });
    const seen = await runTransaction(
      transactionSpec("eas_options", { account, allowPlaintext: true }),
      { host: "127.0.0.1", port, server: null },
      probeContext(2_000),
    );
    expect(loginOutcome(seen)).toBe(login);
  });
});

describe("loginOutcome for imap_login", () => {
  test.each<readonly [string, LoginOutcome, string]>([
    ["NO [UNAVAILABLE] the directory is away", "not_tried", "backend_unavailable"],
    ["NO [SERVERBUG] oops", "not_tried", "backend_unavailable"],
    ["NO [AUTHENTICATIONFAILED] no", "rejected", "auth_rejected"],
    ["NO LOGIN failed for kessler: tls", "rejected", "auth_rejected"],
    ["NO Server Unavailable. 15", "not_tried", "backend_unavailable"],
    ["NO kessler says Server Unavailable. 15", "unanswered", "backend_unavailable"],
    ["BAD [PRIVACYREQUIRED] first TLS", "not_tried", "ssl_required"],
  ])('maps response "%s" to %s', async (answer, login, reason) => {
    const port = await portOf((socket) => {
      socket.write("* OK [CAPABILITY IMAP4rev1] ready\r\n");
      socket.on("data", (data) => {
        for (const line of data.toString("latin1").split("\r\n").filter(Boolean)) {
          const [tag = "", command = ""] = line.split(" ");
          const listed = command === "CAPABILITY" ? "* CAPABILITY IMAP4rev1\r\n" : "";
          socket.write(
            command === "LOGIN" ? `${tag} ${answer}\r\n` : `${listed}${tag} OK done\r\n`,
          );
        }
      });
    });
    const seen = await runTransaction(
      transactionSpec("imap_login", { account, allowPlaintext: true }),
      { host: "127.0.0.1", port, server: null },
      probeContext(5_000),
    );
    expect(seen.reason).toBe(reason);
    expect(loginOutcome(seen)).toBe(login);
  });
});
