/** The words in which our own system refuses to send at all: a fault of ours, by name; null when they say no such thing. */
export function localRefusal(words: string): "unreachable" | null {
  return /network is unreachable|no route to host|transmit failed|general failure/i.test(words)
    ? "unreachable"
    : null;
}
