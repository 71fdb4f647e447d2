/**
 * Keeps the last pages for a moment: when something changes, every open page asks again at once, and rendering once for
 * all of them is enough. A page is kept until the next change, at most a second, and only a few of them.
 */
export interface KeptPages {
  readonly get: (key: string, render: () => string) => string;
}

const KEPT_MS = 1_000;
const MAX_PAGES = 16;

export function keepPages(monotonic: () => number, version: () => number): KeptPages {
  const pages = new Map<
    string,
    { readonly text: string; readonly at: number; readonly version: number }
  >();
  return {
    get: (key, render) => {
      const now = monotonic();
      const known = pages.get(key);
      if (known !== undefined && known.version === version() && now - known.at < KEPT_MS) {
        return known.text;
      }
      const text = render();
      pages.delete(key);
      pages.set(key, { text, at: now, version: version() });
      const [oldest] = pages.keys();
      if (pages.size > MAX_PAGES && oldest !== undefined) {
        pages.delete(oldest);
      }
      return text;
    },
  };
}
