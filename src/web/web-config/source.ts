import { currentFingerprint, loadWebConfig, OPEN_DOORS, type WebConfig } from "./load.ts";

/** The web configuration in force, kept in step with its files. */
export interface WebConfigSource {
  readonly current: () => WebConfig;
  /** Looks at the files now; resolves when a change is in force or refused. */
  readonly refresh: () => Promise<void>;
  readonly close: () => void;
}

export interface SourceEvents {
  readonly changed: (config: WebConfig) => void;
  readonly refused: (message: string) => void;
}

export type OpenedSource =
  | { readonly kind: "open"; readonly source: WebConfigSource }
  | { readonly kind: "failed"; readonly message: string };

const LOOK_EVERY_MS = 1_000;

/** Opens the file; without one all doors are open. A change that cannot be used leaves the old state in force. */
export async function openWebConfig(
  path: string | null,
  events: SourceEvents,
): Promise<OpenedSource> {
  if (path === null) {
    const nothing = {
      current: () => OPEN_DOORS,
      refresh: () => Promise.resolve(),
      close: () => undefined,
    };
    return { kind: "open", source: nothing };
  }
  const first = await loadWebConfig(path);
  if (first.kind === "failed") {
    return first;
  }
  let { config, fingerprint } = first;
  let refused: string | null = null;
  let looking: Promise<void> | null = null;

  async function look(): Promise<void> {
    const seen = await currentFingerprint(path ?? "").catch((error: unknown) => String(error));
    if (seen === fingerprint || seen === refused) {
      return;
    }
    const next = await loadWebConfig(path ?? "");
    if (next.kind === "failed") {
      // Said once for each state of the files: certificates are often replaced in two steps.
      refused = seen;
      events.refused(next.message);
      return;
    }
    refused = null;
    ({ config, fingerprint } = next);
    events.changed(config);
  }

  function refresh(): Promise<void> {
    looking ??= look().finally(() => {
      looking = null;
    });
    return looking;
  }

  const timer = setInterval(() => void refresh(), LOOK_EVERY_MS);
  timer.unref();
  return {
    kind: "open",
    source: {
      current: () => config,
      refresh,
      close: () => {
        clearInterval(timer);
      },
    },
  };
}
