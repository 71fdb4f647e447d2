import { styleText } from "node:util";
import type { ScreenLine } from "./demo-screen.ts";

type TextStyle = Parameters<typeof styleText>[0];

const STYLES: Readonly<Record<ScreenLine["style"], TextStyle | null>> = {
  plain: null,
  title: "bold",
  story: "bold",
  faint: "dim",
  bad: "red",
  warn: "yellow",
  quiet: "cyan",
  unknown: "dim",
  good: null,
};

/** Xterm's control sequences (ctlseqs, "CSI ? Pm h" and "CSI ? Pm l"): the alternate screen, and the cursor. */
const ENTER = "\u001b[?1049h\u001b[?25l\u001b[2J";
const LEAVE = "\u001b[?25h\u001b[?1049l";

/** The line with colours; colour is never the only sign of anything. `always`: also without a terminal. */
export function painted({ text, style }: ScreenLine, always = false): string {
  const format = STYLES[style];
  return format === null || text === ""
    ? text
    : styleText(format, text, { validateStream: !always });
}

/** Terminal output that updates one screen to the next; only changed lines. */
export function repaint(
  before: readonly ScreenLine[],
  after: readonly ScreenLine[],
  paint: (line: ScreenLine) => string = painted,
): string {
  const count = Math.max(before.length, after.length);
  return Array.from({ length: count }, (_, index) => {
    const [was, is] = [before[index], after[index]];
    const isSame = was?.text === is?.text && was?.style === is?.style;
    return isSame
      ? ""
      : `\u001b[${String(index + 1)};1H\u001b[2K${is === undefined ? "" : paint(is)}`;
  }).join("");
}

export interface TerminalScreen {
  readonly show: (lines: readonly ScreenLine[]) => void;
  /** Redraws every line, after a resize. */
  readonly forget: () => void;
  /** Restores the terminal. Idempotent. */
  readonly close: () => void;
}

/** Switches to the alternate screen until `close`. Also restored at process exit where possible. */
export function openScreen(write: (text: string) => void): TerminalScreen {
  let shown: readonly ScreenLine[] = [];
  let isOpen = true;
  const close = (): void => {
    process.off("exit", close);
    if (isOpen) {
      isOpen = false;
      write(LEAVE);
    }
  };
  write(ENTER);
  process.on("exit", close);
  return {
    show: (lines) => {
      const bytes = isOpen ? repaint(shown, lines) : "";
      shown = lines;
      if (bytes !== "") {
        write(bytes);
      }
    },
    forget: () => {
      shown = [];
      if (isOpen) {
        write("\u001b[2J");
      }
    },
    close,
  };
}
