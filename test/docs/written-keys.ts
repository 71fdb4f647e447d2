import { parse } from "yaml";

const BY_NAME = new Set(["connect_to", "monitors", "vservers"]);
/** Below these any key may stand: they are no keys of the schema. */
const OPEN = new Set(["connect_to", "transactions.run[].options"]);

/** Paths of all keys that a configuration holds, in the form of the reference: `adcs[].name`, `monitors.<name>.command`. */
export function configKeysIn(text: string): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (value: unknown, path: string): void => {
    if (Array.isArray(value)) {
      value.forEach((item) => {
        visit(item, `${path}[]`);
      });
    } else if (typeof value === "object" && value !== null && !OPEN.has(path)) {
      for (const [key, child] of Object.entries(value)) {
        const name = BY_NAME.has(path) ? "<name>" : key;
        const at = path === "" ? name : `${path}.${name}`;
        found.add(at);
        visit(child, at);
      }
    }
  };
  visit(parse(text), "");
  return found;
}

/** Names of the environment variables that a configuration takes secrets from. */
export function secretVariables(text: string): string[] {
  return [...new Set([...text.matchAll(/"\$\{(\w+)\}"/g)].map(([, name = ""]) => name))];
}
