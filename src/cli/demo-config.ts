import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Lab } from "../../lab/lab.ts";
import { parseConfig } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import type { Config } from "../config/schema.ts";

/** The configuration an operator would write for a lab, as YAML, with the environment its secrets come from. */
export interface LabConfig {
  readonly yaml: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Where `labConfig` puts the bearer token for writes, made anew each time and readable by this user alone. */
export function tokenFileOf(directory: string): string {
  return join(directory, "maintenance-token");
}

/**
 * Writes the lab's authority and a token into `directory`, which is also the state directory, and makes the
 * configuration.
 */
export async function labConfig(lab: Lab, directory: string): Promise<LabConfig> {
  await writeFile(join(directory, "lab-ca.pem"), lab.ca);
  await writeFile(tokenFileOf(directory), `${randomBytes(24).toString("base64url")}\n`, {
    mode: 0o600,
  });
  const { username, password } = lab.nitroCredentials;
  const written = {
    agent: "demo",
    state_dir: directory,
    // Nothing but the lab is ever dialled.
    unmapped: "refuse",
    adcs: [
      {
        name: "demo",
        nitro: {
          urls: lab.nitroUrls,
          username,
          password: "${LAB_NITRO_PASSWORD}",
          tls: { ca_file: join(directory, "lab-ca.pem"), server_name: "ns.example.com" },
          poll_every: "2s",
        },
      },
    ],
    connect_to: { ...lab.connectTo, ...managementOf(lab) },
    monitors: Object.fromEntries(
      Object.entries(lab.monitorCredentials).map(([name, login]) => [
        name,
        { username: login.username, password: `\${${monitorVariable(name)}}` },
      ]),
    ),
    vservers: Object.fromEntries(
      ["v_imaps", "v_imap_offload", "v_pop3_offload", "v_submission", "v_owa"].map((name) => [
        name,
        { host: "mail.example.com", ca_file: join(directory, "lab-ca.pem") },
      ]),
    ),
    transactions: {
      accounts: lab.accounts
        .filter((account) => account !== lab.monitorAccount)
        .map((account) => ({
          name: account.username,
          username: `${account.domain}\\${account.username}`,
          address: account.address,
          password: `\${${passwordVariable(account.username)}}`,
          ca_file: join(directory, "lab-ca.pem"),
        })),
      run: [
        { transaction: "imap_login", account: "probe-a", every: "15s", vantages: ["backend"] },
        // Through a VIP nobody knows whom a login meets: with an account of its own it cannot blur the members' answers.
        { transaction: "imap_login", account: "probe-b", every: "20s", vantages: ["vip"] },
        {
          transaction: "owa_form",
          account: "probe-a",
          every: "20s",
          vantages: ["vip"],
          members: { adc_service: ["sg_owa"] },
        },
        { transaction: "smtp_submission", account: "probe-b", every: "20s", vantages: ["backend"] },
      ],
    },
    maintenance: { stability: "10s", token_file: tokenFileOf(directory) },
  };
  return {
    yaml: stringify(written),
    env: {
      LAB_NITRO_PASSWORD: password,
      ...Object.fromEntries(
        Object.entries(lab.monitorCredentials).map(([name, credential]) => [
          monitorVariable(name),
          credential.password,
        ]),
      ),
      ...Object.fromEntries(
        lab.accounts.map((account) => [passwordVariable(account.username), account.password]),
      ),
    },
  };
}

/** Name of the environment variable that holds an account's password. */
function passwordVariable(username: string): string {
  return `LAB_${username.toUpperCase().replaceAll("-", "_")}_PASSWORD`;
}

/** Likewise for what an ADC's login monitor keeps encrypted. */
function monitorVariable(monitor: string): string {
  return `LAB_MONITOR_${monitor.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`;
}

/** The validated configuration of the demo. Rejects only when the lab itself is broken. */
export async function demoConfig(lab: Lab, directory: string): Promise<Config> {
  const { yaml, env } = await labConfig(lab, directory);
  const read = await parseConfig(yaml, { file: "demo", baseDir: directory, env });
  if (read.kind === "invalid") {
    throw new Error(read.problems.map(formatProblem).join("\n"));
  }
  return read.config;
}

/** NITRO is reached through `connect_to` too, for nothing else may be dialled. */
function managementOf(lab: Lab): Record<string, string> {
  return Object.fromEntries(
    lab.nitroUrls.map((url) => {
      const { hostname, port } = new URL(url);
      return [`${hostname}:${port}`, `${hostname}:${port}`];
    }),
  );
}
