import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import type { Lab } from "../../lab/lab.ts";
import { PARTITION } from "../../lab/management.ts";
import type { Declare } from "../../lab/scenario.ts";
import { loadConfig, parseConfig } from "../config/load.ts";
import { formatProblem } from "../config/problems.ts";
import type { Config } from "../config/schema.ts";
import { formatDuration } from "../lib/timers.ts";

/** The configuration an operator would write for a lab, as YAML, with the environment its secrets come from. */
export interface LabConfig {
  readonly yaml: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Where `labConfig` puts the bearer token for writes, made each time and readable only by this user. */
export function tokenFileOf(directory: string): string {
  return join(directory, "maintenance-token");
}

/** How a configuration has a secret: in the environment, or in a file beside it. */
type WriteSecret = (variable: string) => { readonly password: string } | PasswordFile;

interface PasswordFile {
  readonly password_file: string;
}

const FROM_ENVIRONMENT: WriteSecret = (variable) => ({ password: `\${${variable}}` });

/**
 * Writes the lab's authority and a token into `directory`, which is also the state directory, and makes the
 * configuration.
 */
export async function labConfig(lab: Lab, directory: string): Promise<LabConfig> {
  const { written, env } = await prepareConfig(lab, directory, FROM_ENVIRONMENT);
  return { yaml: stringify(written), env };
}

/** The first line of a configuration that the demo may write over. */
const MARK =
  "# Written by the demo of adc-witness, for its lab alone: it is worth nothing once that has ended.";
const CONFIG_NAME = "adc-witness.yml";

export type WrittenConfig =
  | {
      readonly kind: "written";
      /** Where other commands find it, as `--config`. */
      readonly file: string;
      /** Says where the agent listens, once that is known. */
      readonly listensAt: (address: string) => Promise<void>;
    }
  | { readonly kind: "refused"; readonly message: string };

/**
 * Writes a configuration that works in another terminal for as long as the lab runs: `adc-witness.yml` with files for its
 * secrets, readable only by this user, and an empty state directory. Nobody else's configuration is replaced.
 */
export async function writeLabConfig(lab: Lab, directory: string): Promise<WrittenConfig> {
  const root = resolve(directory);
  const file = join(root, CONFIG_NAME);
  await mkdir(root, { recursive: true, mode: 0o700 });
  const there = await readFile(file, "utf8").catch(() => null);
  if (there?.startsWith(MARK) === false) {
    return {
      kind: "refused",
      message: `${file} is there already and was not written by the demo; name another folder.`,
    };
  }
  const { written, env } = await prepareConfig(lab, root, (variable) => ({
    password_file: secretFile(root, variable),
  }));
  for (const [variable, secret] of Object.entries(env)) {
    // An old file keeps its permissions when it is written over.
    await rm(secretFile(root, variable), { force: true });
    await writeFile(secretFile(root, variable), `${secret}\n`, { mode: 0o600 });
  }
  const stateDir = join(root, "state");
  await rm(stateDir, { recursive: true, force: true });
  await mkdir(stateDir, { mode: 0o700 });
  const listensAt = async (address: string): Promise<void> => {
    const whole = { ...written, state_dir: stateDir, web: { listen: [address] } };
    await writeFile(file, `${MARK}\n${stringify(whole)}`, { mode: 0o600 });
  };
  return { kind: "written", file, listensAt };
}

function secretFile(directory: string, variable: string): string {
  return join(directory, variable.toLowerCase().replaceAll("_", "-"));
}

async function prepareConfig(
  lab: Lab,
  directory: string,
  secret: WriteSecret,
): Promise<{
  readonly written: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string>>;
}> {
  await writeFile(join(directory, "lab-ca.pem"), lab.ca);
  await rm(tokenFileOf(directory), { force: true });
  await writeFile(tokenFileOf(directory), `${randomBytes(24).toString("base64url")}\n`, {
    mode: 0o600,
  });
  const { username, password } = lab.nitroCredentials;
  const { management } = lab.scenario;
  const isUnreadable = management === "redirect" || management === "factory_certificate";
  if (isUnreadable) {
    await writeFile(join(directory, "ns.conf"), lab.confText);
  }
  const written = {
    agent: "demo",
    state_dir: directory,
    // Nothing but the lab is ever dialled.
    unmapped: "refuse",
    adcs: adcsOf(lab).map(([name, urls]) => ({
      name,
      nitro: {
        urls,
        username,
        ...secret(NITRO_VARIABLE),
        tls: { ca_file: join(directory, "lab-ca.pem"), server_name: "ns.example.com" },
        ...(management === "partition" ? { partition: PARTITION } : {}),
        poll_every: "2s",
      },
      // What is watched while nothing can be read over NITRO.
      ...(isUnreadable ? { ns_conf: join(directory, "ns.conf") } : {}),
    })),
    connect_to: { ...lab.connectTo, ...managementOf(lab) },
    monitors: Object.fromEntries(
      Object.entries(lab.monitorCredentials).map(([name, login]) => [
        name,
        { username: login.username, ...secret(monitorVariable(name)) },
      ]),
    ),
    // What the demo's own estate has; of a recorded one nobody knows whose logins were made there.
    ...(lab.recorded.length > 0 ? {} : demoLogins(lab, directory, secret)),
    maintenance: { stability: "10s", token_file: tokenFileOf(directory) },
  };
  return {
    written,
    env: {
      [NITRO_VARIABLE]: password,
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

/** Names and management addresses. */
function adcsOf(lab: Lab): readonly (readonly [name: string, urls: readonly string[]])[] {
  return lab.recorded.length > 0
    ? lab.recorded.map(({ adc, nitroUrls }) => [adc, nitroUrls] as const)
    : [
        ["demo", lab.nitroUrls],
        ...(lab.far === null ? [] : [["dc2", [lab.far.nitro.url]] as const]),
      ];
}

/** Names that clients type, and logins of the lab's accounts. */
function demoLogins(lab: Lab, directory: string, secret: WriteSecret): Record<string, unknown> {
  return {
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
          ...secret(passwordVariable(account.username)),
          ca_file: join(directory, "lab-ca.pem"),
        })),
      run: [
        { transaction: "imap_login", account: "probe-a", every: "15s", vantages: ["backend"] },
        // Through a VIP it is unknown which server a login meets: with an account of its own it cannot blur the members' answers.
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
  };
}

const NITRO_VARIABLE = "LAB_NITRO_PASSWORD";

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
  return validated(await parseConfig(yaml, { file: "demo", baseDir: directory, env }));
}

/** The validated configuration of a file that {@link writeLabConfig} wrote. Rejects likewise. */
export async function configOfFile(file: string): Promise<Config> {
  return validated(await loadConfig(file, {}));
}

function validated(read: Awaited<ReturnType<typeof loadConfig>>): Config {
  if (read.kind === "invalid") {
    throw new Error(read.problems.map(formatProblem).join("\n"));
  }
  return read.config;
}

/** NITRO is reached through `connect_to` too, for nothing else may be dialled. */
function managementOf(lab: Lab): Record<string, string> {
  return Object.fromEntries(
    adcsOf(lab)
      .flatMap(([, urls]) => urls)
      .map((url) => {
        const { hostname, port } = new URL(url);
        return [`${hostname}:${port}`, `${hostname}:${port}`];
      }),
  );
}

/** How a story declares maintenance: as an administrator does, over the API. */
export function declareAt(url: string, tokenFile: string): Declare {
  return async (server, forMs) => {
    const token = (await readFile(tokenFile, "utf8")).trim();
    const answer = await fetch(`${url}/api/v1/maintenance`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ servers: [server], for: formatDuration(forMs) }),
    });
    if (!answer.ok) {
      throw new Error(`the agent refused to declare maintenance: ${await answer.text()}`);
    }
  };
}
