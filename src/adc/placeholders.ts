/**
 * Whether a word of a guide stands for one to be filled in (`<type>`, `$TYPE`, `[TYPE]`, `**TYPE**`), or one of a program
 * has a part that is (`svc_${name}`, `%s_svc`, `mon-{{ host }}`). No name on an ADC may have these characters.
 */
export function isPlaceholder(word: string): boolean {
  return /^[<[{$%*].|<\w[^<>]{0,64}>|\{[^{}]{1,64}\}|\$[\w(]|%[sd(]/.test(word);
}

/** `w.x.y.z`, `10.x.x.20`: an address of which a guide leaves some or all numbers out. */
export function isPlaceholderAddress(word: string): boolean {
  const parts = word.split(".");
  return (
    parts.length === 4 &&
    parts.every((part) => /^(?:[a-z]{1,3}|\d{1,3})$/i.test(part)) &&
    parts.some((part) => /^[a-z]/i.test(part))
  );
}
