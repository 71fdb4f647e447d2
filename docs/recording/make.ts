import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { demoScreen, type ScreenLine } from "../../src/cli/demo-screen.ts";
import { Story } from "../../src/cli/demo-story.ts";
import { declareAt, tokenFileOf } from "../../src/cli/lab-config.ts";
import { painted, repaint } from "../../src/cli/terminal-screen.ts";
import { pause } from "../../src/lib/timers.ts";
import { withWatchedLab } from "../watched-lab.ts";

/**
 * Records the demo's terminal from the demo itself: lab and agent run, and the same function that draws the terminal draws each
 * frame. `node dist/docs/recording/make.js [folder]` writes `demo.cast` (asciicast v2) and `demo.svg`.
 */
const FOLDER = resolve(process.argv[2] ?? "docs/recording");
const SIZE = { columns: 80, rows: 24 };
const RECORD_MS = 75_000;
const SAMPLE_MS = 500;
/** Maximum pause before the next frame. */
const LONGEST_FRAME_MS = 2_500;

interface Frame {
  readonly atMs: number;
  readonly lines: readonly ScreenLine[];
}

function record(): Promise<readonly Frame[]> {
  return withWatchedLab("maintenance", async ({ lab, agent: { state }, url, directory }) => {
    const ended = new AbortController();
    try {
      const story = new Story(lab, false, ended.signal);
      void story.run(state, declareAt(url, tokenFileOf(directory)));
      const frames: Frame[] = [];
      while (story.sinceStartMs < RECORD_MS) {
        const lines = demoScreen(
          {
            state,
            page: "http://127.0.0.1:9743/",
            story: lab.scenario.name,
            sinceStartMs: story.sinceStartMs,
            events: story.events,
            next: story.next(state),
            hint: "",
          },
          SIZE,
        );
        if (textBelowClock(lines) !== textBelowClock(frames.at(-1)?.lines ?? [])) {
          frames.push({ atMs: story.sinceStartMs, lines });
        }
        await pause(SAMPLE_MS);
      }
      return frames;
    } finally {
      ended.abort();
    }
  });
}

/** Clock and countdown alone make no new frame. */
function textBelowClock(lines: readonly ScreenLine[]): string {
  return lines
    .slice(2)
    .map(({ text }) => text)
    .join("\n");
}

/** The same frames, closer together. */
function hurried(frames: readonly Frame[]): readonly Frame[] {
  let atMs = 0;
  return frames.map((frame, index) => {
    const before = frames[index - 1];
    atMs += before === undefined ? 0 : Math.min(LONGEST_FRAME_MS, frame.atMs - before.atMs);
    return { ...frame, atMs };
  });
}

/** asciicast v2: a header, then `[seconds, "o", bytes]` (docs.asciinema.org/manual/asciicast/v2). */
function castOf(frames: readonly Frame[]): string {
  const header = { version: 2, width: SIZE.columns, height: SIZE.rows, title: "adc-witness demo" };
  const events = frames.map(({ atMs, lines }, index) => {
    const before = frames[index - 1]?.lines ?? [];
    const bytes = repaint(before, lines, (line) => painted(line, true));
    return [atMs / 1_000, "o", index === 0 ? `\u001b[2J${bytes}` : bytes];
  });
  return `${[header, ...events].map((line) => JSON.stringify(line)).join("\n")}\n`;
}

const CELL = { width: 8.4, height: 18 };
const MARGIN = 12;
const COLOURS: Readonly<Record<ScreenLine["style"], string>> = {
  plain: "#d8dee9",
  title: "#ffffff",
  story: "#ffffff",
  faint: "#9aa5b1",
  bad: "#ff8080",
  warn: "#ffd166",
  quiet: "#7fd4e0",
  unknown: "#9aa5b1",
  good: "#d8dee9",
};

/** One group for each frame, shown in its turn; the last one where motion is not wanted. */
function svgOf(frames: readonly Frame[]): string {
  const wholeMs = (frames.at(-1)?.atMs ?? 0) + 2 * LONGEST_FRAME_MS;
  const percent = (ms: number): string => ((100 * ms) / wholeMs).toFixed(2);
  const width = SIZE.columns * CELL.width + 2 * MARGIN;
  const height = SIZE.rows * CELL.height + 2 * MARGIN;
  const rules = frames.map(({ atMs }, index) => {
    const next = frames[index + 1];
    const from = index === 0 ? "" : `0%{visibility:hidden}`;
    const until = next === undefined ? "" : `${percent(next.atMs)}%{visibility:hidden}`;
    return `@keyframes k${String(index)}{${from}${percent(atMs)}%{visibility:visible}${until}}`;
  });
  const groups = frames.map(({ lines }, index) => {
    const texts = lines.flatMap(({ text, style }, row) =>
      text === ""
        ? []
        : `<text class="${style}" x="${String(MARGIN)}" y="${String(MARGIN + (row + 0.75) * CELL.height)}" textLength="${(text.length * CELL.width).toFixed(1)}">${escaped(text)}</text>`,
    );
    const isLast = index === frames.length - 1 ? ' class="last"' : "";
    return `<g${isLast} style="animation-name:k${String(index)}">${texts.join("")}</g>`;
  });
  const looks = Object.entries(COLOURS).map(([look, colour]) => `.${look}{fill:${colour}}`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width.toFixed(0)} ${height.toFixed(0)}" role="img" aria-label="The demo on a terminal: ex02 goes into maintenance, and the ADC still sends it IMAP and SMTP clients">`,
    `<style>text{font:14px monospace;white-space:pre}g{visibility:hidden;animation:${String(wholeMs / 1_000)}s step-end infinite}${looks.join("")}.title,.story{font-weight:bold}${rules.join("")}@media(prefers-reduced-motion:reduce){g{animation:none}.last{visibility:visible}}</style>`,
    `<rect width="100%" height="100%" rx="8" fill="#1b1f27"/>`,
    ...groups,
    "</svg>",
    "",
  ].join("\n");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

const frames = hurried(await record());
await mkdir(FOLDER, { recursive: true });
await writeFile(join(FOLDER, "demo.cast"), castOf(frames));
await writeFile(join(FOLDER, "demo.svg"), svgOf(frames));
process.stdout.write(`${String(frames.length)} frames in ${FOLDER}\n`);
process.exit(0);
