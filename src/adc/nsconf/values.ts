import { isIP } from "../../lib/ip.ts";
import type { Port } from "../../model/adc-service.ts";
import { port } from "../field-types.ts";
import type { FieldSource } from "../fields.ts";
import type { Draft } from "./draft.ts";
import type { Statement } from "./statements.ts";

/** One statement's keys as the values of an object's fields. */
export function statementSource(statement: Statement, draft: Draft, object: string): FieldSource {
  return {
    object,
    line: statement.line,
    resets: statement.verb === "unset",
    written: ({ key }) => statement.keys.get(key),
    report: (diagnostic) => {
      draft.diagnostics.push(diagnostic);
    },
  };
}

/** A port given by position: 0 where there is none, null when it cannot be read. */
export function portOf(written: string): Port | null {
  const value = port.read([written]);
  return value === undefined ? null : (value ?? 0);
}

export function isAddress(text: string): boolean {
  return isIP(text) !== 0;
}
