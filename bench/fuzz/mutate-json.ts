import type { Random } from "../simulation/random.ts";

const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  65_536,
  1e308,
  Number.MAX_SAFE_INTEGER,
  "",
  "0",
  "-1",
  "NaN",
  "1e999",
  "99999999999999999999",
  "\u0000",
  "*",
  "::1",
  "[::1]:99999",
  "💥",
  "a".repeat(5_000),
  [],
  {},
  [[]],
  [null],
  { constructor: { prototype: null } },
];
const KEYS = ["__proto__", "constructor", "toString", "length", ""];
const MAX_STEPS = 5;

/** Changes values, keys and shapes of a JSON value in random places; the given value is not modified. */
export function mutateJson(value: unknown, random: Random): unknown {
  const copy = { root: value };
  const steps = 1 + Math.floor(random.next() * MAX_STEPS);
  for (let step = 0; step < steps; step += 1) {
    mutateAt(copy, "root", random);
    // A mutation may have removed the whole value.
    copy.root ??= null;
  }
  return copy.root;
}

type Holder = Record<string, unknown>;

/**
 * Descends to some value and changes it there. Only the objects on the path are copied, and the others are never
 * modified.
 */
function mutateAt(holder: Holder, key: string, random: Random): void {
  const value = holder[key];
  const keys = value !== null && typeof value === "object" ? Object.keys(value) : [];
  if (keys.length > 0 && random.next() < 0.85) {
    const copy = (
      Array.isArray(value) ? [...(value as unknown[])] : { ...(value as Holder) }
    ) as Holder;
    define(holder, key, copy);
    mutateAt(copy, random.pick(keys), random);
    return;
  }
  switch (random.whole(0, 6)) {
    case 0:
      define(holder, random.pick(KEYS), value);
      break;
    case 1:
      if (Array.isArray(holder)) {
        holder.push(value);
      } else {
        Reflect.deleteProperty(holder, key);
      }
      break;
    case 2:
      define(holder, key, [value, value]);
      break;
    case 3:
      define(holder, key, random.pick([value, ...Object.values(holder)]));
      break;
    case 4:
      define(holder, key, twisted(value, random));
      break;
    default:
      define(holder, key, random.pick(VALUES));
  }
}

/** The same in another type, or a string with something in its middle. */
function twisted(value: unknown, random: Random): unknown {
  if (typeof value === "number") {
    return random.pick([String(value), -value, value * 1e9, value + 0.5]);
  }
  if (typeof value === "string") {
    const at = random.whole(0, value.length);
    const word = random.pick(["*", '"', "\n", " ", ",", "-", "1", "[1-9]", "💥", "\u0000"]);
    return random.pick([
      `${value.slice(0, at)}${word}${value.slice(at)}`,
      value.slice(0, at),
      value.toUpperCase(),
      Number.isNaN(Number(value)) ? null : Number(value),
    ]);
  }
  return JSON.stringify(value) ?? "undefined";
}

/** Not through the prototype's setter, but as JSON.parse makes it. An array has no keys but its places. */
function define(holder: Holder, key: string, value: unknown): void {
  if (Array.isArray(holder) && !/^\d+$/.test(key)) {
    return;
  }
  if (key !== "__proto__") {
    holder[key] = value;
    return;
  }
  Object.defineProperty(holder, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}
