const MAX_NAME_LENGTH = 253;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const DIGITS = /^[0-9]+$/;

/**
 * A NetBIOS or DNS host name in lower case, or null for any other text: labels of at most 63 characters, letters, digits,
 * hyphen and underscore (Windows allows it), at most 253 characters in all, and no address in dotted notation (RFC 1123
 * section 2.1: the last label is never all digits).
 */
export function hostName(text: string): string | null {
  if (text.length > MAX_NAME_LENGTH) {
    return null;
  }
  const name = text.toLowerCase();
  const labels = name.split(".");
  const last = labels.at(-1) ?? "";
  const isAddress = labels.length > 1 && DIGITS.test(last);
  return isAddress || !labels.every((label) => LABEL.test(label)) ? null : name;
}
