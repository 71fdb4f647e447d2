/** Whether a word of a guide stands for one to be filled in: `<type>`, `$TYPE`, `[TYPE]`, `**TYPE**`. */
export function isPlaceholder(word: string): boolean {
  return /^[<[{$%*]./.test(word);
}
