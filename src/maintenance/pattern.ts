/**
 * Whether any of several patterns means a server. `*` stands for any run of characters; letter case does not matter,
 * for the ADC and Windows do not care about it either.
 */
export function serverMatcher(patterns: readonly string[]): (server: string) => boolean {
  const expressions = patterns.map((pattern) => {
    const parts = pattern
      .toLowerCase()
      .split("*")
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return new RegExp(`^${parts.join(".*")}$`);
  });
  return (server) => {
    const name = server.toLowerCase();
    return expressions.some((expression) => expression.test(name));
  };
}
