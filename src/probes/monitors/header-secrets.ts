/** Headers that let their bearer in, and their value. */
const SECRET_HEADER =
  /^[ \t]*(?:(?:proxy-)?authorization|cookie|[\w-]*(?:api-?key|token|secret|password))[ \t]*:[ \t]*([^\r\n]*)/gim;

/** What is shorter hides nothing, and would take the evidence to pieces. */
const SHORTEST_PART = 4;

/**
 * The secrets in header lines or in a whole request, so that evidence can be kept without them: what such a header says,
 * the same without its scheme, and the password of Basic.
 */
export function headerSecrets(text: string): string[] {
  return [...text.matchAll(SECRET_HEADER)].flatMap(([, written = ""]) => {
    const value = written.trim();
    const [scheme = "", token = ""] = value.split(/ +/, 2);
    const basic =
      scheme.toLowerCase() === "basic" ? Buffer.from(token, "base64").toString("latin1") : "";
    const parts = [token, basic.slice(basic.indexOf(":") + 1)];
    const whole = value === "" ? [] : [value];
    return [...whole, ...parts.filter((part) => part.length >= SHORTEST_PART)];
  });
}
