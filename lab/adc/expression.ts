/** The values that an expression can use. Header names in any case. */
export interface ExpressionSubject {
  readonly method: string;
  /** The request target as sent, query included. */
  readonly url: string;
  readonly host: string;
  readonly header: (name: string) => string | null;
  readonly cookie: (name: string) => string | null;
  readonly groups: readonly string[];
}

type Value = string | boolean | number | null;

/**
 * Evaluates the part of NetScaler's policy language that Exchange configurations use: `HTTP.REQ.…` with its text
 * methods, `AAA.USER.IS_MEMBER_OF`, literals, `+`, `!`, `&&`, `||` and parentheses. Null if the expression uses
 * something that the lab does not support, which the ADC calls UNDEF.
 */
export function evaluate(expression: string, subject: ExpressionSubject): Value {
  const parser = new Parser(expression, subject);
  const value = parser.disjunction();
  return parser.atEnd() ? value : null;
}

/** Whether a policy's rule is true; UNDEF is not. */
export function holds(rule: string, subject: ExpressionSubject): boolean {
  return evaluate(rule, subject) === true;
}

/** One step of a chain: `HEADER("Authorization")` is name and argument. */
interface Step {
  readonly name: string;
  readonly argument: string | null;
}

class Parser {
  readonly #text: string;
  readonly #subject: ExpressionSubject;
  #at = 0;
  /** A parenthesis that never closes. */
  #broken = false;

  constructor(text: string, subject: ExpressionSubject) {
    this.#text = text;
    this.#subject = subject;
  }

  atEnd(): boolean {
    this.#blank();
    return this.#at === this.#text.length && !this.#broken;
  }

  disjunction(): Value {
    let value = this.#conjunction();
    while (this.#accept("||")) {
      const right = this.#conjunction();
      value =
        value === true || right === true ? true : value === false && right === false ? false : null;
    }
    return value;
  }

  #conjunction(): Value {
    let value = this.#sum();
    while (this.#accept("&&")) {
      const right = this.#sum();
      value =
        value === false || right === false ? false : value === true && right === true ? true : null;
    }
    return value;
  }

  #sum(): Value {
    let value = this.#unary();
    while (this.#accept("+")) {
      const right = this.#unary();
      value = typeof value === "string" && typeof right === "string" ? value + right : null;
    }
    return value;
  }

  #unary(): Value {
    if (this.#accept("!")) {
      const value = this.#unary();
      return typeof value === "boolean" ? !value : null;
    }
    if (this.#accept("(")) {
      const value = this.disjunction();
      if (!this.#accept(")")) {
        return null;
      }
      return applySteps(value, false, this.#accept(".") ? this.#steps() : []);
    }
    const literal = this.#quoted();
    if (literal !== null) {
      return applySteps(literal, false, this.#accept(".") ? this.#steps() : []);
    }
    return evaluateChain(this.#steps(), this.#subject);
  }

  #steps(): Step[] {
    const steps: Step[] = [];
    do {
      this.#blank();
      const name = /^[A-Za-z_][\w$]*/.exec(this.#text.slice(this.#at))?.[0] ?? "";
      this.#at += name.length;
      steps.push({ name: name.toUpperCase(), argument: this.#argument() });
    } while (this.#accept("."));
    return steps;
  }

  #argument(): string | null {
    if (this.#text[this.#at] !== "(") {
      return null;
    }
    this.#at += 1;
    this.#blank();
    const quoted = this.#quoted();
    const close = this.#text.indexOf(")", this.#at);
    const end = close < 0 ? this.#text.length : close;
    this.#broken ||= close < 0;
    const bare = this.#text.slice(this.#at, end).trim();
    this.#at = Math.min(end + 1, this.#text.length);
    return quoted ?? bare;
  }

  #quoted(): string | null {
    this.#blank();
    const match = /^"((?:[^"\\]|\\.)*)"/.exec(this.#text.slice(this.#at));
    if (match === null) {
      return null;
    }
    this.#at += match[0].length;
    return (match[1] ?? "").replace(/\\(.)/g, "$1");
  }

  #accept(token: string): boolean {
    this.#blank();
    if (!this.#text.startsWith(token, this.#at)) {
      return false;
    }
    this.#at += token.length;
    return true;
  }

  #blank(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) {
      this.#at += 1;
    }
  }
}

function evaluateChain(steps: readonly Step[], subject: ExpressionSubject): Value {
  const names = steps.map(({ name }) => name);
  const at = (index: number): string | null => steps[index]?.argument ?? null;
  if (steps.length === 1) {
    return names[0] === "TRUE" || names[0] === "NS_TRUE"
      ? true
      : names[0] === "FALSE"
        ? false
        : null;
  }
  if (names[0] === "AAA" && names[1] === "USER" && names[2] === "IS_MEMBER_OF") {
    return applySteps(subject.groups.includes(at(2) ?? ""), false, steps.slice(3));
  }
  if (names[0] !== "HTTP" || names[1] !== "REQ") {
    return null;
  }
  const rest = steps.slice(3);
  switch (names[2]) {
    case "URL":
      return urlPart(subject.url, rest);
    case "HOSTNAME":
      return applySteps(subject.host, false, rest[0]?.name === "SERVER" ? rest.slice(1) : rest);
    case "METHOD":
      return applySteps(subject.method, false, rest);
    case "HEADER":
      return applySteps(subject.header(at(2) ?? "") ?? "", false, rest);
    case "COOKIE":
      return rest[0]?.name === "VALUE"
        ? applySteps(subject.cookie(rest[0].argument ?? "") ?? "", false, rest.slice(1))
        : null;
    case "IS_VALID":
      return true;
    case "USER":
      return rest[0]?.name === "IS_MEMBER_OF"
        ? subject.groups.includes(rest[0].argument ?? "")
        : null;
    default:
      return null;
  }
}

function urlPart(url: string, steps: readonly Step[]): Value {
  const [path = "", query = ""] = url.split("?", 2);
  switch (steps[0]?.name) {
    case "PATH":
    case "PATH_AND_QUERY":
      return applySteps(steps[0].name === "PATH" ? path : url, false, steps.slice(1));
    case "QUERY":
      return applySteps(query, false, steps.slice(1));
    default:
      return applySteps(url, false, steps);
  }
}

/** Text methods, left to right; SET_TEXT_MODE(IGNORECASE) holds for what follows it. */
function applySteps(start: Value, ignoreCase: boolean, steps: readonly Step[]): Value {
  const [step, ...rest] = steps;
  if (step === undefined || start === null) {
    return start;
  }
  if (step.name === "NOT") {
    return typeof start === "boolean" ? applySteps(!start, ignoreCase, rest) : null;
  }
  if (typeof start !== "string") {
    return null;
  }
  const fold = (value: string): string => (ignoreCase ? value.toLowerCase() : value);
  const argument = fold(step.argument ?? "");
  const text = fold(start);
  switch (step.name) {
    case "SET_TEXT_MODE":
      return applySteps(start, /^IGNORECASE$/i.test(step.argument ?? ""), rest);
    case "EQ":
      return applySteps(text === argument, ignoreCase, rest);
    case "NE":
      return applySteps(text !== argument, ignoreCase, rest);
    case "STARTSWITH":
      return applySteps(text.startsWith(argument), ignoreCase, rest);
    case "ENDSWITH":
      return applySteps(text.endsWith(argument), ignoreCase, rest);
    case "CONTAINS":
      return applySteps(text.includes(argument), ignoreCase, rest);
    case "EXISTS":
      return applySteps(start !== "", ignoreCase, rest);
    case "TO_LOWER":
      return applySteps(start.toLowerCase(), ignoreCase, rest);
    case "LENGTH":
      return rest.length === 0 ? start.length : null;
    case "HTTP_URL_SAFE":
      return applySteps(start, ignoreCase, rest);
    default:
      return null;
  }
}
