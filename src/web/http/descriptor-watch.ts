import type { Log } from "../../lib/log.ts";
import { closeSync, openSync } from "node:fs";
import type { Listener } from "./listener.ts";

const LOOK_EVERY_MS = 250;
/** Time that descriptors must be available before connections are accepted again. */
const BACK_AFTER_MS = 1_000;

export interface DescriptorWatch {
  readonly stop: () => Promise<void>;
}

/**
 * Shuts the listeners while the process has no file descriptor left, and opens them again when it has. A visitor who is
 * waiting and cannot be let in makes Node.js ask the system for him in every turn of the event loop, tell nobody, and take
 * a whole processor for it: libuv keeps a spare descriptor for that case, but loses it where another thread is quicker.
 */
export function watchDescriptors(listeners: readonly Listener[], log: Log): DescriptorWatch {
  let isShut = false;
  let leftForMs = 0;
  let opening: Promise<void> | null = null;
  let problem: string | null = null;

  function shut(): void {
    isShut = true;
    listeners.forEach((listener) => {
      listener.shut();
    });
    log.warn({}, "no file descriptors left, not accepting connections");
  }

  async function open(): Promise<void> {
    const problems = await Promise.all(listeners.map((listener) => listener.open()));
    const found = problems.find((one) => one !== null) ?? null;
    isShut = found !== null;
    if (!isShut) {
      log.info({}, "file descriptors available, accepting connections");
    } else if (found !== problem) {
      log.error({ problem: found }, "listen failed, retrying");
    }
    problem = found;
    opening = null;
  }

  const looking = setInterval(() => {
    if (opening !== null) {
      return;
    }
    const areLeft = descriptorsAreLeft();
    leftForMs = areLeft ? leftForMs + LOOK_EVERY_MS : 0;
    if (!areLeft && !isShut) {
      shut();
    } else if (isShut && leftForMs >= BACK_AFTER_MS) {
      opening = open();
    }
  }, LOOK_EVERY_MS);
  looking.unref();
  return {
    stop: async () => {
      clearInterval(looking);
      await opening;
    },
  };
}

/** Whether this process can open anything at this moment. */
function descriptorsAreLeft(): boolean {
  try {
    closeSync(openSync("/dev/null", "r"));
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    return code !== "EMFILE" && code !== "ENFILE";
  }
}
