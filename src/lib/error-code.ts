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
