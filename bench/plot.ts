/** One line of a drawing, over a common horizontal axis. */
export interface Plot {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

const WIDTH = 280;
const HEIGHT = 170;
const COLUMNS = 3;
/** Space for text around each frame. */
const LEFT = 16;
const TOP = 28;
const BOTTOM = 24;
const HEAD = 30;

/** Small plots side by side as one SVG; each begins at zero, each point has its value. */
export function plot(title: string, plots: readonly Plot[]): string {
  const rows = Math.ceil(plots.length / COLUMNS);
  const width = COLUMNS * WIDTH;
  const height = HEAD + rows * HEIGHT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${String(width)}" height="${String(height)}" viewBox="0 0 ${String(width)} ${String(height)}" font-family="sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    text(LEFT, 18, title),
    ...plots.map((each, index) => {
      const x = (index % COLUMNS) * WIDTH;
      const y = HEAD + Math.floor(index / COLUMNS) * HEIGHT;
      return `<g transform="translate(${String(x)} ${String(y)})">${frame(each)}</g>`;
    }),
    "</svg>\n",
  ].join("\n");
}

function frame({ name, points }: Plot): string {
  const mostX = Math.max(1, ...points.map(({ x }) => x));
  const mostY = Math.max(...points.map(({ y }) => y)) * 1.15 || 1;
  const bottom = HEIGHT - BOTTOM;
  const placed = points.map(({ x, y }) => ({
    x: LEFT + (x / mostX) * (WIDTH - 4 * LEFT),
    y: bottom - (y / mostY) * (bottom - TOP),
    shown: y >= 100 ? y.toFixed(0) : y.toFixed(1),
    under: x,
  }));
  return [
    text(LEFT, 16, name, "#111"),
    `<path d="M${String(LEFT)} ${String(TOP)}V${String(bottom)}H${String(WIDTH - LEFT)}" fill="none" stroke="#999"/>`,
    `<polyline points="${placed.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ")}" fill="none" stroke="#1f6feb" stroke-width="2"/>`,
    ...placed.flatMap(({ x, y, shown, under }) => [
      `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" fill="#1f6feb"/>`,
      text(x + 4, y - 6, shown),
      // Small estates are so close together that only the others are labelled.
      ...(under * 4 >= mostX ? [text(x - 12, bottom + 14, String(under))] : []),
    ]),
  ].join("");
}

function text(x: number, y: number, words: string, color = "#444"): string {
  const safe = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${color}">${safe}</text>`;
}
