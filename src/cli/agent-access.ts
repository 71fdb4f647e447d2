import { readFile } from "node:fs/promises";
import type { Config } from "../config/schema.ts";
import type { AgentAccess } from "./agent-request.ts";

/** Where the agent is and what opens its doors; what is left out comes from the configuration. */
export interface AgentAddress {
  readonly config: string | null;
  readonly url: string | null;
  readonly tokenFile: string | null;
  /** Name for basic auth, and the file of its password: both or neither. */
  readonly user?: string | null;
  readonly passwordFile?: string | null;
  /** Authority that signed the agent's certificate. */
  readonly caFile?: string | null;
}

export type ReadAccess =
  | { readonly kind: "access"; readonly access: AgentAccess }
  | { readonly kind: "failed"; readonly message: string };

/** Reads the files that the options name; secrets never stand on the command line. Never rejects. */
export async function readAccess(
  options: AgentAddress,
  config: Config | null,
): Promise<ReadAccess> {
  const { tokenFile, user = null, passwordFile = null, caFile = null } = options;
  if ((user === null) !== (passwordFile === null)) {
    return { kind: "failed", message: "--user and --password-file belong together." };
  }
  try {
    const password = passwordFile === null ? null : await secretIn(passwordFile);
    return {
      kind: "access",
      access: {
        token:
          tokenFile === null
            ? (config?.maintenance.token?.reveal() ?? null)
            : await secretIn(tokenFile),
        login: user === null || password === null ? null : { user, password },
        ca: caFile === null ? null : await readFile(caFile, "utf8"),
      },
    };
  } catch (error) {
    const file = error instanceof Error && "path" in error ? String(error.path) : "a file";
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return { kind: "failed", message: `${file} cannot be read: ${code}.` };
  }
}

async function secretIn(file: string): Promise<string> {
  return (await readFile(file, "utf8")).trim();
}
