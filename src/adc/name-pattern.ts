/**
 * A pattern of names, in which `*` stands for any run of characters. Names are to be compared in lower case: the ADC and
 * Windows do not care about letter case.
 */
export function namePattern(pattern: string): RegExp {
  const parts = pattern
    .toLowerCase()
    .split("*")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}
