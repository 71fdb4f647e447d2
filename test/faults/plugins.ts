import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import type { CheckName } from "./checks.ts";

export const PLUGIN_DIRECTORY = "/usr/lib/nagios/plugins";

/** The same checks in the plugins' language. Any status may carry an ECV's pattern, as at the ADC. */
const COMMANDS: Readonly<Record<CheckName, readonly string[]>> = {
  tcp: ["check_tcp"],
  tcps: ["check_tcp", "--ssl"],
  http: ["check_http", "--url=/health", "--expect=200"],
  "http-ecv": ["check_http", "--url=/owa/healthcheck.htm", "--expect=HTTP", "--string=200 OK"],
  "https-ecv": [
    "check_http",
    "--ssl",
    "--url=/owa/healthcheck.htm",
    "--expect=HTTP",
    "--string=200 OK",
  ],
  "imap-ecv": [
    "check_imap",
    "--mismatch=crit",
    "--expect=* OK The Microsoft Exchange IMAP4 service is ready.",
  ],
  "pop3-ecv": ["check_pop", "--mismatch=crit", "--expect=+OK The Microsoft Exchange POP3"],
  "smtp-ecv": ["check_tcp", "--mismatch=crit", "--expect=220 "],
  smtp: ["check_smtp"],
};

/** The plugins know whole seconds only. */
const TIMEOUT_SECONDS = 2;

/** Whether the monitoring-plugins are here; under CI they must be. */
export function pluginsInstalled(): boolean {
  try {
    accessSync(join(PLUGIN_DIRECTORY, "check_smtp"), constants.X_OK);
    return true;
  } catch (error) {
    if (process.env["CI"]) {
      throw new Error("apt-get install monitoring-plugins-standard", { cause: error });
    }
    process.stderr.write("skipped: apt-get install monitoring-plugins-standard\n");
    return false;
  }
}

/** The opinion of the plugin for this check: up is exit status 0. */
export function judgeByPlugin(check: CheckName, port: number): Promise<"up" | "down"> {
  const [plugin = "", ...args] = COMMANDS[check];
  const target = plugin === "check_http" ? ["-I", "127.0.0.1", "-H", "mail.example.com"] : [];
  const host = plugin === "check_http" ? target : ["-H", "127.0.0.1"];
  const all = [...host, "-p", String(port), "-t", String(TIMEOUT_SECONDS), ...args];
  return new Promise((resolve) => {
    // A plugin that ignores its own time-out over endless data is ended: that is no "up" either.
    const limits = { timeout: 2 * TIMEOUT_SECONDS * 1000, maxBuffer: 16 * 1024 * 1024 };
    execFile(join(PLUGIN_DIRECTORY, plugin), all, limits, (error) => {
      resolve(error === null ? "up" : "down");
    });
  });
}
