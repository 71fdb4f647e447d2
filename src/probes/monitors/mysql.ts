import type { Observation } from "../../model/observation.ts";
import type { FailureReason } from "../../model/reasons.ts";
import { dial } from "../../net/dial.ts";
import { MysqlSession, type MysqlRefusal } from "../protocols/mysql-session.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import { needsCredential, type MonitorSpec, type MonitorType } from "./spec.ts";

const ERROR = {
  accessDenied: 1045,
  databaseDenied: 1044,
  tooManyConnections: 1040,
  hostBlocked: 1129,
};

/**
 * MYSQL: logs in to `database` and runs `sqlQuery`; a statement that is accepted passes, rows are not looked at. It never
 * stops at the greeting: servers count that as a broken connection and block a host after too many. The ADC runs
 * nsmysql.pl from its NSIP. NetScaler docs: "MySQL monitors".
 */
export const mysqlMonitor: MonitorType = {
  type: "MYSQL",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const { credential } = spec;
      if (credential === null) {
        return run.fault(
          "login",
          "not_configured",
          "this monitor needs a user name and a password",
        );
      }
      run.hide(credential.password);
      const dialled = await dial(run, target, { tls: null });
      if (dialled.kind === "failed") {
        return run.broken(dialled.step, dialled.why);
      }
      const session = new MysqlSession(dialled.connection);
      const login = await session.logIn({
        username: credential.username,
        password: credential.password,
        database: spec.monitor.parameters.database,
        tls: spec.tls,
      });
      if (login.kind === "refusal") {
        return refused(run, login);
      }
      if (login.kind !== "accepted") {
        return run.broken("banner", login);
      }
      run.phase("login");
      return ask(run, session, spec);
    }),
  reversePasses: ["mismatch"],
  source: "NSIP",
  transport: "tcp",
  meaningfulAtVip: true,
  defaultPort: 3306,
  unsupported: needsCredential,
};

async function ask(run: ProbeRun, session: MysqlSession, spec: MonitorSpec): Promise<Observation> {
  const { sqlQuery } = spec.monitor.parameters;
  if (sqlQuery !== null && sqlQuery !== "") {
    const answer = await session.query(sqlQuery);
    if (answer.kind === "refusal") {
      return run.mismatch("response", "bad_status", `${answer.code} ${answer.text}`);
    }
    if (answer.kind !== "accepted") {
      return run.broken("response", answer);
    }
  }
  run.phase("transaction");
  run.responseTimeMs = run.elapsedMs();
  session.quit();
  return run.match("response");
}

function refused(run: ProbeRun, answer: MysqlRefusal): Observation {
  const words = `${answer.code} ${answer.text}`;
  if (answer.code === ERROR.accessDenied || answer.code === ERROR.databaseDenied) {
    return run.fault("login", "auth_rejected", words);
  }
  const reasons: ReadonlyMap<number, FailureReason> = new Map([
    [ERROR.tooManyConnections, "throttled"],
    [ERROR.hostBlocked, "source_limit"],
  ]);
  return run.mismatch("banner", reasons.get(answer.code) ?? "bad_status", words);
}
