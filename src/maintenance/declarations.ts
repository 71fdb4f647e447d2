import type { MaintenanceWindow, WindowConfig, WindowView } from "../model/window.ts";
import {
  declaredFor,
  type Declared,
  listWindows,
  declaredWindows,
  type DeclaredWindows,
} from "./declared.ts";
import {
  declareWindow,
  endWindow,
  forgetOld,
  observeServer,
  type ServerHealth,
  type StepResult,
} from "./store-steps.ts";
import { type MaintenanceStore, EMPTY_STORE, type StoreState } from "./store.ts";

/** Declared maintenance as the agent uses it: configuration and store together, always current. */
export interface Declarations {
  readonly declaredFor: (server: string, now: number, awaySince: number | null) => Declared;
  readonly list: (now: number) => readonly WindowView[];
  readonly start: (window: MaintenanceWindow, now: number) => Promise<DeclareResult>;
  readonly end: (name: string, now: number) => Promise<DeclareResult>;
  /** Called at every evaluation; writes only when a flexible window begins or an automatic end is due. */
  readonly observe: (server: string, shows: () => ServerHealth, now: number) => void;
  /** A reloaded configuration's windows. */
  readonly reconfigure: (configured: readonly WindowConfig[]) => void;
  readonly close: () => Promise<void>;
}

export type DeclareResult =
  | { readonly kind: "done"; readonly window: WindowView }
  | { readonly kind: "not_found" | "refused" | "failed"; readonly message: string };

export interface DeclarationSources {
  readonly configured: readonly WindowConfig[];
  /** Null where this process holds no store; then `snapshot` is what a look at the store showed. */
  readonly store: MaintenanceStore | null;
  readonly snapshot: StoreState | null;
  /** Told when something that was observed could not be written. */
  readonly onFailure: (message: string) => void;
}

export function createDeclarations(sources: DeclarationSources): Declarations {
  const { store, onFailure } = sources;
  let { configured } = sources;
  const readState = (): StoreState => store?.state() ?? sources.snapshot ?? EMPTY_STORE;
  let prepared: DeclaredWindows = declaredWindows(configured, readState());
  const current = (): DeclaredWindows => {
    if (prepared.store !== readState()) {
      prepared = declaredWindows(configured, readState());
    }
    return prepared;
  };

  const change = async (
    step: (state: StoreState) => StepResult,
    now: number,
  ): Promise<DeclareResult> => {
    if (store === null) {
      return { kind: "refused", message: "Another process holds the maintenance windows file." };
    }
    // Decided inside the store's queue; the last decision is the one that was applied.
    const decided: StepResult[] = [];
    const written = await store.update((state) => {
      const result = step(forgetOld(state, now));
      decided.push(result);
      return result.kind === "done" ? result.state : state;
    });
    const result = decided.at(-1);
    if (written.kind === "failed") {
      return { kind: "failed", message: written.message };
    }
    if (result?.kind !== "done") {
      return result ?? { kind: "failed", message: "The maintenance windows file did not respond." };
    }
    const view = listWindows(current(), now).find(({ name }) => name === result.window.name);
    return { kind: "done", window: view ?? { ...result.window, source: "api", state: "over" } };
  };

  return {
    declaredFor: (server, now, awaySince) => declaredFor(server, current(), now, awaySince),
    list: (now) => listWindows(current(), now),
    start: (window, now) => change((state) => declareWindow(state, configured, window, now), now),
    end: (name, now) => change((state) => endWindow(state, configured, name, now), now),
    observe: (server, shows, now) => {
      const observed = (state: StoreState): StoreState =>
        observeServer(state, current().windows, server, shows, now);
      if (store === null || observed(store.state()) === store.state()) {
        return;
      }
      void store.update(observed).then((written) => {
        if (written.kind === "failed") {
          onFailure(written.message);
        }
      });
    },
    reconfigure: (windows) => {
      configured = windows;
      prepared = declaredWindows(configured, readState());
    },
    close: async () => {
      await store?.close();
    },
  };
}
