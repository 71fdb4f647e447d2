import { X509Certificate } from "node:crypto";
import { constants } from "node:fs";
import { access, readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { UnlocatedProblem } from "./issues.ts";
import { problemText } from "./problems.ts";
import type { ConfigPath } from "./located-yaml.ts";
import { Secret } from "../lib/secret.ts";
import { webhookUrlProblem } from "./written-notify.ts";
import type { WrittenConfig } from "./written.ts";

/** Where secrets and files come from. */
export interface AttachmentSource {
  /** Directory that relative paths start from: the configuration file's own. */
  readonly baseDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The secrets and files that the configuration refers to. Keys are the paths of the referring mappings. */
export interface Attachments {
  readonly secret: (path: ConfigPath, key: string) => Secret | null;
  readonly certificates: (path: ConfigPath) => string | null;
  readonly problems: readonly UnlocatedProblem[];
  /** Permissions that let other users read a secret or write state. */
  readonly openToOthers: readonly UnlocatedProblem[];
}

const MAX_SECRET_BYTES = 64 * 1024;
const MAX_PEM_BYTES = 4 * 1024 * 1024;

/** Reads all secrets and certificate files, and checks that other files are readable. */
export async function readAttachments(
  config: WrittenConfig,
  source: AttachmentSource,
): Promise<Attachments> {
  const secrets = new Map<string, Secret>();
  const certificates = new Map<string, string>();
  const problems: UnlocatedProblem[] = [];
  const openToOthers: UnlocatedProblem[] = [];
  const warn = (path: ConfigPath, message: string | null): void => {
    if (message !== null) {
      openToOthers.push({ path, atKey: false, message });
    }
  };

  for (const { path, key, at, problem } of secretPlaces(config)) {
    const result = await readSecret(at[key], at[`${key}_file`], source, problem);
    if (typeof result === "string") {
      const written = at[key] === undefined ? `${key}_file` : key;
      problems.push({ path: [...path, written], atKey: false, message: result });
    } else if (result !== null) {
      secrets.set(keyOf([...path, key]), result);
    }
    const file = at[`${key}_file`];
    if (typeof file === "string") {
      warn([...path, `${key}_file`], await secretModeProblem(resolve(source.baseDir, file)));
    }
  }
  for (const { path, caFile } of certificatePlaces(config)) {
    const result = await readText(resolve(source.baseDir, caFile), MAX_PEM_BYTES);
    const message = result.kind === "text" ? certificateProblem(result.text) : result.message;
    if (message === null && result.kind === "text") {
      certificates.set(keyOf(path), result.text);
    } else {
      problems.push({ path: [...path, "ca_file"], atKey: false, message: message ?? "" });
    }
  }
  for (const { path, file } of otherFiles(config)) {
    const message = await readabilityProblem(resolve(source.baseDir, file));
    if (message !== null) {
      problems.push({ path, atKey: false, message });
    }
  }
  warn(["state_dir"], await stateModeProblem(resolve(source.baseDir, config.state_dir)));
  return {
    openToOthers,
    secret: (path, key) => secrets.get(keyOf([...path, key])) ?? null,
    certificates: (path) => certificates.get(keyOf(path)) ?? null,
    problems,
  };
}

function keyOf(path: ConfigPath): string {
  return JSON.stringify(path);
}

interface SecretPlace {
  readonly path: ConfigPath;
  /** `password`, and then `password_file` next to it. */
  readonly key: string;
  readonly at: Readonly<Record<string, unknown>>;
  /** Why the value is invalid; absent: every value is valid. */
  readonly problem?: (value: string) => string | null;
}

function secretPlaces(config: WrittenConfig): SecretPlace[] {
  const { adcs, monitors, transactions, maintenance, notify } = config;
  return [
    ...adcs.flatMap(({ nitro }, index) =>
      nitro === undefined ? [] : [{ path: ["adcs", index, "nitro"], key: "password", at: nitro }],
    ),
    ...Object.entries(monitors).flatMap(([name, at]) =>
      ["password", "secret"].map((key) => ({ path: ["monitors", name], key, at })),
    ),
    ...transactions.accounts.map((at, index) => ({
      path: ["transactions", "accounts", index],
      key: "password",
      at,
    })),
    { path: ["maintenance"], key: "token", at: maintenance },
    ...notify.flatMap(({ mail, webhook }, index): SecretPlace[] => [
      ...(mail === undefined
        ? []
        : [{ path: ["notify", index, "mail"], key: "password", at: mail }]),
      ...(webhook === undefined
        ? []
        : [
            {
              path: ["notify", index, "webhook"],
              key: "url",
              at: webhook,
              problem: webhookUrlProblem,
            },
          ]),
    ]),
  ];
}

function certificatePlaces(config: WrittenConfig): { path: ConfigPath; caFile: string }[] {
  const nitro = config.adcs.map((adc, index) => ({
    path: ["adcs", index, "nitro", "tls"],
    caFile: adc.nitro?.tls.ca_file,
  }));
  const vservers = Object.entries(config.vservers).map(([name, vserver]) => ({
    path: ["vservers", name],
    caFile: vserver.ca_file,
  }));
  const members = config.members.map(({ ca_file: caFile }, index) => ({
    path: ["members", index],
    caFile,
  }));
  const accounts = config.transactions.accounts.map(({ ca_file: caFile }, index) => ({
    path: ["transactions", "accounts", index],
    caFile,
  }));
  const receivers = config.notify.flatMap(({ mail, webhook }, index) => [
    { path: ["notify", index, "mail"], caFile: mail?.ca_file },
    { path: ["notify", index, "webhook"], caFile: webhook?.ca_file },
  ]);
  return [...nitro, ...vservers, ...members, ...accounts, ...receivers].flatMap(
    ({ path, caFile }) => (caFile === undefined ? [] : [{ path, caFile }]),
  );
}

function otherFiles(config: WrittenConfig): { path: ConfigPath; file: string }[] {
  const estates = config.adcs.map((adc, index) => ({
    path: ["adcs", index, "ns_conf"] as ConfigPath,
    file: adc.ns_conf,
  }));
  const web = { path: ["web", "config_file"] as ConfigPath, file: config.web.config_file };
  return [...estates, web].flatMap(({ path, file }) =>
    file === undefined ? [] : [{ path, file }],
  );
}

/** The secret, null if not configured, or an error message. */
async function readSecret(
  inline: unknown,
  file: unknown,
  source: AttachmentSource,
  problem: NonNullable<SecretPlace["problem"]> = () => null,
): Promise<Secret | string | null> {
  const sound = (value: string): Secret | string => {
    const why = problem(value);
    return why === null
      ? new Secret(value)
      : problemText(why, "an http or https URL", "correct it");
  };
  if (typeof inline === "string") {
    // The schema allows secrets only as variables; a URL without a secret may be written directly.
    const value = inline.startsWith("${") ? source.env[inline.slice(2, -1)] : inline;
    return value === undefined || value === ""
      ? problemText("names an empty variable", "an environment variable that is set", "set it")
      : sound(value);
  }
  if (typeof file !== "string") {
    return null;
  }
  const result = await readText(resolve(source.baseDir, file), MAX_SECRET_BYTES);
  if (result.kind === "failure") {
    return result.message;
  }
  const value = result.text.replace(/\r?\n$/, "");
  return value === ""
    ? problemText("names an empty file", "a file that holds the secret", "write it there")
    : sound(value);
}

const READ_OR_WRITTEN_BY_OTHERS = 0o006;
const WRITTEN_BY_OTHERS = 0o002;

async function secretModeProblem(path: string): Promise<string | null> {
  const mode = await modeOf(path);
  return mode === null || (mode & READ_OR_WRITTEN_BY_OTHERS) === 0
    ? null
    : problemText(
        `names a secret that every user of this host can ${(mode & WRITTEN_BY_OTHERS) === 0 ? "read" : "change"}: ${path} has mode ${octal(mode)}`,
        "mode 0600, or 0640 for a group",
        `chmod o-rwx ${path}`,
      );
}

async function stateModeProblem(path: string): Promise<string | null> {
  const mode = await modeOf(path);
  return mode === null || (mode & WRITTEN_BY_OTHERS) === 0
    ? null
    : problemText(
        `is a directory that every user of this host can write to: ${path} has mode ${octal(mode)}`,
        "mode 0700, since its files end account suspensions and declare windows",
        `chmod o-w ${path}`,
      );
}

/** Permission bits; null if the file is missing, and on Windows. */
async function modeOf(path: string): Promise<number | null> {
  if (process.platform === "win32") {
    return null;
  }
  try {
    return (await stat(path)).mode & 0o7777;
  } catch {
    // The code that reads or creates it reports the error.
    return null;
  }
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

type TextResult =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "failure"; readonly message: string };

async function readText(path: string, mostBytes: number): Promise<TextResult> {
  try {
    const { size } = await stat(path);
    if (size > mostBytes) {
      const message = problemText(
        "names a file that is too large",
        `at most ${String(mostBytes / 1024)} KiB`,
        "correct the path",
      );
      return { kind: "failure", message };
    }
    return { kind: "text", text: await readFile(path, "utf8") };
  } catch (error) {
    return { kind: "failure", message: unreadable(error) };
  }
}

async function readabilityProblem(path: string): Promise<string | null> {
  try {
    await access(path, constants.R_OK);
    return null;
  } catch (error) {
    return unreadable(error);
  }
}

function unreadable(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  return problemText(
    `names a file that cannot be read: ${code}`,
    "a readable file; paths are relative to this file",
    "correct the path or its permissions",
  );
}

function certificateProblem(pem: string): string | null {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const good = blocks.length > 0 && blocks.every(isCertificate);
  return good
    ? null
    : problemText(
        "names a file without a valid certificate",
        "certificates in PEM form",
        "convert it, for example with openssl x509",
      );
}

function isCertificate(block: string): boolean {
  try {
    new X509Certificate(block);
    return true;
  } catch {
    // The constructor throws for an invalid certificate.
    return false;
  }
}
