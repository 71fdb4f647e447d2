import type { NitroAnswer, NitroGet } from "../adc/nitro/client.ts";
import type { Row } from "../adc/nitro/row-values.ts";

/** The last answer of one node about one resource, combined from all its requests. */
export interface LoggedAnswer {
  readonly node: string;
  readonly api: "config" | "stat";
  readonly resource: string;
  /** Null if all requests were refused. */
  readonly rows: readonly Row[] | null;
  readonly secondary: boolean;
  readonly code: string | null;
  readonly words: string | null;
}

/** Keeps the last answer to each request to the nodes of one ADC. */
export class AnswerLog {
  /** By node and resource, then by page, name and arguments of the request. */
  readonly #answers = new Map<string, Map<string, LoggedExchange>>();

  add(node: string, request: NitroGet, answer: NitroAnswer): void {
    const { kind, resource, name, query = {} } = request;
    const of = `${node} ${kind} ${resource}`;
    const answersOf = this.#answers.get(of) ?? new Map<string, LoggedExchange>();
    answersOf.set(JSON.stringify([name ?? null, query]), { node, request, answer });
    this.#answers.set(of, answersOf);
  }

  /** In the order of the first requests. */
  answers(): readonly LoggedAnswer[] {
    return [...this.#answers.values()].flatMap((answersOf) => {
      const each = [...answersOf.values()];
      const [first] = each;
      return first === undefined ? [] : [loggedAnswer(first, each)];
    });
  }
}

interface LoggedExchange {
  readonly node: string;
  readonly request: NitroGet;
  readonly answer: NitroAnswer;
}

function loggedAnswer(
  { node, request }: LoggedExchange,
  each: readonly LoggedExchange[],
): LoggedAnswer {
  const { kind: api, resource } = request;
  const about = { node, api, resource };
  const answered = each.filter(({ answer }) => answer.kind === "rows");
  const refusal = each.map(({ answer }) => answer).find((answer) => answer.kind !== "rows");
  if (answered.length === 0 && refusal !== undefined) {
    const { code, message, words = message } = refusal;
    return { ...about, rows: null, secondary: false, code, words };
  }
  return {
    ...about,
    rows: answered.flatMap(rowsOf),
    secondary: answered.some(({ answer }) => answer.kind === "rows" && answer.secondary),
    code: null,
    words: null,
  };
}

/** A binding requested by its parent's name may omit that name. */
function rowsOf({ request, answer }: LoggedExchange): readonly Row[] {
  const rows = answer.kind === "rows" ? answer.rows : [];
  const { name, resource } = request;
  const key = bindingKey(resource);
  return name === undefined || key === null ? rows : rows.map((row) => ({ [key]: name, ...row }));
}

/** The field with the parent's name of a binding; null if it is not a binding. */
export function bindingKey(resource: string): string | null {
  const parent = /^([a-z]+)_\w+_binding$/.exec(resource)?.[1];
  switch (parent) {
    case undefined:
    // Global bindings have no parent.
    case "responderglobal":
    case "appfwglobal":
    case "tmglobal":
      return null;
    case "aaagroup":
      return "groupname";
    case "aaauser":
      return "username";
    case "servicegroup":
      return "servicegroupname";
    case "sslvserver":
      return "vservername";
    default:
      return "name";
  }
}
