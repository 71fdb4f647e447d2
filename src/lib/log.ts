/** The part of a logger that is used here; pino's has it. */
export interface Log {
  readonly debug: (fields: Readonly<Record<string, unknown>>, message: string) => void;
  readonly info: (fields: Readonly<Record<string, unknown>>, message: string) => void;
  readonly warn: (fields: Readonly<Record<string, unknown>>, message: string) => void;
  readonly error: (fields: Readonly<Record<string, unknown>>, message: string) => void;
}

/** The system's code of an error (`ENOSPC`), or its text where it has none. */
export function errorCode(error: unknown): string {
  if (error instanceof Error) {
    return "code" in error ? String(error.code) : error.message;
  }
  return String(error);
}

/** The text of what was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
