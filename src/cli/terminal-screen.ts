import { styleText } from "node:util";
import type { ScreenLine } from "./demo-screen.ts";

type TextStyle = Parameters<typeof styleText>[0];

const STYLES: Readonly<Record<ScreenLine["look"], TextStyle | null>> = {
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

/** The line as a terminal shows it: a colour is never the only sign of anything. `always`: also where no terminal is. */
export function painted({ text, look }: ScreenLine, always = false): string {
  const style = STYLES[look];
  return style === null || text === "" ? text : styleText(style, text, { validateStream: !always });
}

/** Bytes that change what a terminal shows from one screen to the next: only lines that differ. */
export function repaint(
  before: readonly ScreenLine[],
  after: readonly ScreenLine[],
  paint: (line: ScreenLine) => string = painted,
): string {
  const count = Math.max(before.length, after.length);
  return Array.from({ length: count }, (_, index) => {
    const [was, is] = [before[index], after[index]];
    const isSame = was?.text === is?.text && was?.look === is?.look;
    return isSame
      ? ""
      : `\u001b[${String(index + 1)};1H\u001b[2K${is === undefined ? "" : paint(is)}`;
  }).join("");
}

export interface TerminalScreen {
  readonly show: (lines: readonly ScreenLine[]) => void;
  /** Every line is drawn again: the terminal has another size now. */
  readonly forget: () => void;
  /** Gives the terminal back as it was; any number of calls. */
  readonly close: () => void;
}

/**
 * The terminal's alternate screen, from now until `close`. Also given back when the process ends in any way that it can
 * notice.
 */
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
