import type { z } from "zod";
import { COMMAND_ANSWERS } from "../../src/cli/answers.ts";

/** What a command printed as JSON, where it is what its published schema says; throws where it is not. */
export function commandAnswer(command: string, out: string): Readonly<Record<string, unknown>> {
  const shape = COMMAND_ANSWERS.get(command);
  if (shape === undefined) {
    throw new Error(`no schema is published for ${command}`);
  }
  return (shape as z.ZodType<Record<string, unknown>>).parse(JSON.parse(out));
}
