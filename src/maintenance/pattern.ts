import { namePattern } from "../estate/name-pattern.ts";

/** Whether any of several patterns means a server. */
export function serverMatcher(patterns: readonly string[]): (server: string) => boolean {
  const expressions = patterns.map(namePattern);
  return (server) => {
    const name = server.toLowerCase();
    return expressions.some((expression) => expression.test(name));
  };
}
