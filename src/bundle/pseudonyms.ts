import { isIP, isIPv6 } from "../lib/ip.ts";
import { builtInMonitor } from "../adc/monitor-defaults.ts";
import { redactRequest, withoutLogins } from "../adc/request-secrets.ts";
import { Transcript } from "../net/transcript.ts";
import { COMMON_WORDS, ENUMERATED } from "./vocabulary.ts";

/** Placeholder of withheld values. */
const WITHHELD = "<withheld>";

/** Number of distinct replacements so far. */
export interface Replaced {
  readonly words: number;
  readonly addresses: number;
  readonly withheld: number;
}

/**
 * Replaces everything that could identify the appliance's owner by pseudonyms. The same word always gets the same pseudonym, in
 * names, hosts, expressions and certificates, so that references still match. An allow-list (vocabulary.ts) says what is kept.
 * Pseudonyms are numbers in order of appearance, so they cannot be reversed, and a bundle of a bundle is the same bundle.
 */
export class Pseudonyms {
  readonly #secrets = new Transcript();
  /** By the word in lower case: its number, and its spellings in the order in which they came. */
  readonly #words = new Map<string, { readonly id: number; readonly spellings: string[] }>();
  readonly #addresses = new Map<string, string>();
  readonly #serials = new Map<string, number>();
  #withheld = 0;

  readonly #identities: readonly string[];

  /**
   * `secrets`: must not appear in any encoding. `identities`: account names, which become pseudonyms even if they are common
   * words.
   */
  constructor(secrets: readonly string[], identities: readonly string[] = []) {
    for (const secret of secrets) {
      this.#secrets.redactSecret(secret);
    }
    this.#identities = identities
      .map((one) => one.toLowerCase())
      .filter((one) => one.length > 1 && !COMMON_WORDS.has(one));
  }

  get replaced(): Replaced {
    return {
      words: this.#words.size,
      addresses: this.#addresses.size,
      withheld: this.#withheld,
    };
  }

  /** Whether it contains a known secret in any encoding. */
  containsSecret(line: string): boolean {
    return this.#secrets.redact(line) !== line;
  }

  /** A name chosen by an administrator: replaces all words except those that identify Exchange. */
  name(name: string): string {
    const clean = this.#secrets.redact(name);
    return builtInMonitor(clean) === null
      ? this.#each(clean, NAME_TOKENS, (token) => this.#nameWord(token))
      : clean;
  }

  /** A sentence, expression, request or transcript: common words stay, hosts become pseudonyms. */
  text(text: string): string {
    const clean = this.#secrets.redact(text);
    let result = "";
    let at = 0;
    for (const { from, to } of placesOf(this.#identities, clean)) {
      result += this.#prose(clean.slice(at, from));
      result += clean.slice(from, to).replace(WORDS, (word) => this.#pseudonym(word));
      at = to;
    }
    return result + this.#prose(clean.slice(at));
  }

  /** Replaces a certificate's serial number by a stable one, so that presented and bound certificates can be compared. */
  serial(serial: string): string {
    const key = serial
      .toLowerCase()
      .replace(/^0x/, "")
      .replace(/[^0-9a-f]/g, "")
      .replace(/^0+/, "");
    const id = this.#serials.get(key) ?? this.#serials.size + 1;
    this.#serials.set(key, id);
    return `5E${id.toString(16).toUpperCase().padStart(6, "0")}`;
  }

  /** A row of NITRO's, every field of it. */
  row(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(row)
        .filter(([field]) => FIELD_NAME.test(field))
        .map(([field, value]) => [field, this.value(field, value)]),
    );
  }

  /** The value of one field: by the field's name if that is known, else by its format. */
  value(field: string, value: unknown, depth = 0): unknown {
    const kind = kindOf(field);
    if (value === null || typeof value === "boolean" || value === "") {
      return value;
    }
    if (kind === "withheld") {
      this.#withheld += 1;
      return WITHHELD;
    }
    if (typeof value === "string") {
      return this.#string(field, value, kind);
    }
    if (typeof value === "number") {
      return value;
    }
    if (depth < MAX_DEPTH && Array.isArray(value)) {
      return value.slice(0, MAX_ITEMS).map((item: unknown) => this.value(field, item, depth + 1));
    }
    if (depth < MAX_DEPTH && typeof value === "object") {
      return Object.fromEntries(
        Object.entries(value)
          .filter(([inner]) => FIELD_NAME.test(inner))
          .slice(0, MAX_ITEMS)
          .map(([inner, own]) => [inner, this.value(inner, own, depth + 1)]),
      );
    }
    this.#withheld += 1;
    return WITHHELD;
  }

  #string(field: string, value: string, kind: FieldKind): string {
    if (value.length > MAX_CHARACTERS) {
      this.#withheld += 1;
      return WITHHELD;
    }
    const redacted = this.#secrets.redact(value);
    switch (kind) {
      case "entity":
        return redacted
          .split("?")
          .map((part) => (PORT.test(part) ? part : this.name(part)))
          .join("?");
      case "arguments":
        return redacted
          .split(";")
          .map((part) => this.#argument(part))
          .join(";");
      case "serial":
        return this.serial(redacted);
      case "name":
        return isEnumerated(redacted) ? redacted : this.name(redacted);
      case "text":
        return this.text(withoutLogins(redactRequest(redacted), WITHHELD));
      default:
        return isEnumerated(redacted) || isNumber(field, redacted) ? redacted : this.name(redacted);
    }
  }

  /** `user=itest`, the arguments of the ADC's scripts; any of them may be a password. */
  #argument(part: string): string {
    const [, key = "", value = part] = /^(\s*[\w-]{1,64}=)(.*)$/s.exec(part) ?? [];
    return SECRET_ARGUMENT.test(key) ? `${key}${WITHHELD}` : `${this.text(key)}${this.name(value)}`;
  }

  /** Replaces addresses; `tokens` finds the rest. */
  #each(text: string, tokens: RegExp, replace: (token: string) => string): string {
    let result = "";
    let at = 0;
    for (const match of text.matchAll(ADDRESSES)) {
      const [found] = match;
      if (isIP(found) === 0 && !MAC.test(found)) {
        continue;
      }
      // Directly after a word, the word's number would change the address at the next replacement.
      const isGlued = /[A-Za-z0-9]$/.test(text.slice(0, match.index).slice(-1));
      const before = text.slice(at, match.index).replace(tokens, replace);
      result += before + (isGlued ? "__" : "") + this.#address(found);
      at = match.index + found.length;
    }
    return result + text.slice(at).replace(tokens, replace);
  }

  #address(address: string): string {
    if (isNonIdentifying(address)) {
      return address;
    }
    const key = address.toLowerCase();
    const known = this.#addresses.get(key);
    if (known !== undefined) {
      return known;
    }
    const id = this.#addresses.size + 1;
    const made = MAC.test(address)
      ? `02:00:00:${hex(id >> 16)}:${hex(id >> 8)}:${hex(id)}`
      : isIPv6(address)
        ? `2001:db8::${id.toString(16)}`
        : `198.${String(18 + ((id >> 16) & 1))}.${String((id >> 8) & 255)}.${String(id & 255)}`;
    this.#addresses.set(key, made);
    return made;
  }

  #prose(text: string): string {
    return this.#each(text, TEXT_TOKENS, (token) => this.#textToken(token));
  }

  #textToken(token: string): string {
    if (ESCAPE.test(token)) {
      return token;
    }
    const words = token.match(WORDS) ?? [];
    if (words.every(isCommon)) {
      return token;
    }
    if (EXPRESSION.test(token)) {
      return token.replace(WORDS, (word) => (isCommon(word) ? word : this.#pseudonym(word)));
    }
    // Numbers next to a name are part of it.
    return token.replace(WORDS, (word) =>
      token.includes(".")
        ? this.#nameWord(word)
        : isCommon(word) && !/^\d+$/.test(word)
          ? word
          : this.#pseudonym(word),
    );
  }

  #nameWord(word: string): string {
    if (MEANING.test(word)) {
      return word;
    }
    return this.#pseudonym(word);
  }

  #pseudonym(word: string): string {
    const key = word.toLowerCase();
    const known = this.#words.get(key) ?? { id: this.#words.size + 1, spellings: [] };
    this.#words.set(key, known);
    if (!known.spellings.includes(word)) {
      known.spellings.push(word);
    }
    const spelling = known.spellings.indexOf(word);
    const number = String(known.id);
    const base =
      spelling === 0
        ? `n${number}`
        : spelling === 1
          ? `N${number}`
          : `n${number}x${String(spelling)}`;
    return `${base}${meaningIn(word)}`;
  }
}

function isEnumerated(value: string): boolean {
  return ENUMERATED.has(value) || ENUMERATED.has(value.toUpperCase());
}

interface Place {
  readonly from: number;
  readonly to: number;
}

/** Finds whole names in a text, case-insensitively; of overlapping ones the first, then the longest. */
function placesOf(names: readonly string[], text: string): readonly Place[] {
  const lower = text.toLowerCase();
  const found: Place[] = [];
  for (const name of lower.length === text.length ? names : []) {
    for (let from = lower.indexOf(name); from !== -1; from = lower.indexOf(name, from + 1)) {
      const to = from + name.length;
      if (isBoundary(text, from) && !isWordAt(text, to)) {
        found.push({ from, to });
      }
    }
  }
  found.sort((a, b) => a.from - b.from || b.to - a.to);
  let end = 0;
  return found.filter(({ from, to }) => {
    const stands = from >= end;
    end = stands ? to : end;
    return stands;
  });
}

/** A word may begin here: also after an escape, whose last character looks like part of a word. */
function isBoundary(text: string, at: number): boolean {
  return (
    at === 0 ||
    !isWordAt(text, at - 1) ||
    /(?:%[0-9a-f]{2}|\\[rnt])$/i.test(text.slice(Math.max(0, at - 3), at))
  );
}

function isWordAt(text: string, at: number): boolean {
  return /^[A-Za-z0-9]$/.test(text[at] ?? "");
}

type FieldKind = "withheld" | "entity" | "name" | "serial" | "arguments" | "text" | "other";

const FIELD_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const MAX_CHARACTERS = 65_536;
const MAX_DEPTH = 4;
const MAX_ITEMS = 20_000;

/** Fields with secrets, or with values that only identify the owner. */
const NEVER_COPIED =
  /pass(w|ph|pl|cr|$)|secret|radkey|community|secureargs|token|apikey|private|preshared|psk|credential|sessionid|cookie(pass|ipport)|^key$|fipskey|license|comment|serialno|hostid|sysid|uuid|banner|location|signature$|challenge/;
const SECRET_ARGUMENT = /pass|pwd|secret|community/i;
const ENTITIES = /^(servicegroupentname2?|servicegroupname\d?)$/;
/** Names, also where one is made of digits alone. */
const NAMES =
  /name$|^(domain|server|host|lbvserver|certkey|policy|action|user|cert|linkcert\w*|vserver|backupvserver)$|profile$|vserver$/;
const TEXTS =
  /^(rule|expression|stringbuilderexpr|target|targetvserverexpr|pattern|search|refinesearch|send|recv|httprequest|rtsprequest|customheaders|lastresponse|value|redirurl|redirecturl|httpsredirecturl|url|sipuri|version|subject|issuer|listenpolicy|resrule|scriptname|query|basedn|binddn|filter|attribute|evalrule|respondto|responsestatuscode|reasonphrase|undefaction|message|words|description|gotopriorityexpression|backupvserverstatus|trofsreason|transcript|detail|statechangetimesec|transtime|clientcertnot\w+|hwdescription|path|healthcheckpath)$|reason$|expr$|notbefore$|notafter$|status$/;

function kindOf(field: string): FieldKind {
  const name = field.toLowerCase();
  if (NEVER_COPIED.test(name)) {
    return "withheld";
  }
  if (name === "serial" || name === "scriptargs") {
    return name === "serial" ? "serial" : "arguments";
  }
  if (ENTITIES.test(name)) {
    return "entity";
  }
  return TEXTS.test(name) ? "text" : NAMES.test(name) ? "name" : "other";
}

const PORT = /^\d{1,5}$/;
/** Numbers, ranges and lists of them; long ones only where a field counts something. */
const SHORT_NUMBER = /^[-+]?\d{1,5}(?:[\s,:;./-]{1,2}\d{1,5}){0,11}[\s,:;./-]{0,2}%?$/;
const LONG_NUMBER = /^[-+]?\d{1,20}(?:\.\d{1,20})?$/;
const COUNTING =
  /total|tot\w|rate|byte|tick|time|probe|hit|conn|count|load|req|resp|pkt|client|svc|idle|surge|hash|weight|max|min|usage|mem|size|num|limit|thresh|delay|cur|flag|mask/;

function isNumber(field: string, value: string): boolean {
  return (
    isIP(value) === 0 &&
    (SHORT_NUMBER.test(value) || (LONG_NUMBER.test(value) && COUNTING.test(field.toLowerCase())))
  );
}

/** Letters and digits; everything that is not ASCII is part of a word, because nothing is known about it. */
const WORDS = /[A-Za-z0-9\u0080-\uffff]{1,512}/g;
const NAME_TOKENS = WORDS;
/** Escapes of the command line and of URLs, and codes of answers; else words joined by dots, hyphens and underscores. */
const TEXT_TOKENS =
  /\\(?:[rnt"'\\]|x[0-9a-f]{2})|%[0-9a-f]{2}|(?<=^|< )\d{3}-|[A-Za-z0-9\u0080-\uffff][A-Za-z0-9\u0080-\uffff._-]{0,512}/gi;
const ESCAPE = /^(?:\\|%)/;
const EXPRESSION =
  /^(?:HTTP|CLIENT|SERVER|SYS|SSL|AAA|TARGET|REQ|RES|TCP|IP|SUBSCRIBER|ANALYTICS)\./i;

/** Candidates for addresses in any text; each match is checked. */
const ADDRESSES =
  /(?<!\d)(?:\d{1,3}\.){3}\d{1,3}(?!\d)|(?:(?<![\w.])|(?<=%[0-9a-f]{2}|\\[rnt]))(?:(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?!\w)|(?<!:)(?:[0-9a-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{1,4})?(?![\w:]))/gi;
const MAC = /^(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i;

/** Unspecified and loopback addresses, and masks. */
function isNonIdentifying(address: string): boolean {
  return /^(?:0\.0\.0\.0|127\.\d+\.\d+\.\d+|255\.\d+\.\d+\.\d+|::1?|ff[0-9a-f:]*:)$/i.test(address);
}

function hex(byte: number): string {
  return (byte & 255).toString(16).padStart(2, "0");
}

/** Words of the lists, small numbers, and names of algorithms with numbers. */
function isCommon(word: string): boolean {
  return (
    COMMON_WORDS.has(word.toLowerCase()) ||
    /^\d{1,5}$/.test(word) ||
    /^(?:ns|aes|sha|tls|tlsv|sslv|md|chacha|poly|rsa|imap|pop|http)\d{1,4}$/i.test(word)
  );
}

/** Words in names that point to Exchange, and to which service of it (see recognise.ts). */
const MEANING =
  /^(?:exch(?:ange)?|(?:e|ex|exch|exchange)?20(?:07|10|13|16|19)|activesync|outlook|autodiscover|owa|rpc|rpcca|rpcclient|se)$/i;

/** The same for a word that reveals more than that: as a tag after its pseudonym. */
function meaningIn(word: string): string {
  const year = /^(e|ex|exch|exchange)(20(?:10|13|16|19))/i.exec(word);
  if (year !== null) {
    return `_${year[1]?.toLowerCase() ?? ""}${year[2] ?? ""}`;
  }
  const found = /exch|activesync|outlook|autodiscover|rpcca|rpcclient/i.exec(word)?.[0];
  if (found !== undefined) {
    return `_${found.toLowerCase()}`;
  }
  return /(?:^|[^a-z])owa(?:[^a-z]|$)/i.test(word) ? "_owa" : "";
}
