/** The candidate that a mistyped word most likely meant, or null when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, best.candidate.length / 3)
    ? best.candidate
    : null;
}

/** Insertions, deletions and replacements from one word to the other; words are cut at 64 characters. */
function editDistance(from: string, to: string): number {
  const target = [...to.slice(0, 64)];
  let row = target.map((_, index) => index + 1);
  [...from.slice(0, 64)].forEach((letter, done) => {
    let diagonal = done;
    let left = done + 1;
    row = row.map((above, index) => {
      const replaced = diagonal + (letter === target[index] ? 0 : 1);
      diagonal = above;
      left = Math.min(above + 1, left + 1, replaced);
      return left;
    });
  });
  return row.at(-1) ?? from.length;
}
