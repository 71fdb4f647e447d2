/** `1 finding`, `2 findings`, `3 addresses`: a number with its noun. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${String(count)} ${count === 1 ? one : many}`;
}
