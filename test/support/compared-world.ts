import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RequestListener } from "node:http";
import type { ServerOptions } from "node:https";
import { onTestFinished, test, vi } from "vitest";
import { startNitroServer } from "../../lab/nitro/server.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { memberKey } from "../../src/model/adc-state.ts";
import { runCompare } from "../../src/cli/compare.ts";
import type { CompareJson, MemberRow } from "../../src/web/api/verdicts.ts";
import { CREDENTIALS } from "../adc/nitro/lab-client.ts";
import { steadyBackend, type SteadyBackend } from "../adc/nitro/steady-backend.ts";
import { serverTls } from "../probes/transactions/transaction-spec.ts";
import { commandAnswer } from "./command-answer.ts";
import { serve, type Behaviour } from "./scripted-server.ts";
import { webServer } from "./web-server.ts";

/** Longer than any grace. */
const LONG_AGO_MS = 3_600_000;

export interface World {
  readonly conf: string;
  /** Real ports on 127.0.0.1 by what the estate calls them: `198.51.100.11:443`. */
  readonly at: Readonly<Record<string, number>>;
  /** Likewise of endpoints anywhere: `[2001:db8::62]:80` to `[::1]:8080`. */
  readonly mapped?: Readonly<Record<string, string>>;
  /** What the ADC believes; all is well where left out. */
  readonly believes?: (set: SteadyBackend["set"]) => void;
  /** More of the configuration. */
  readonly yaml?: string;
  readonly timeoutMs?: number;
}

export interface Compared extends CompareJson {
  readonly status: number;
  readonly err: string;
}

/** Takes what is to be done when the test that asks is over. */
export type Cleanup = (work: () => void | Promise<void>) => void;

/**
 * One round of `compare` over an ADC that is asked by NITRO and servers that are dialled in earnest. A concurrent test gives
 * `onTestFinished` of its own context: by then the global one may belong to another test.
 */
export async function compareWorld(
  world: World,
  cleanUp: Cleanup = onTestFinished,
): Promise<Compared> {
  const backend = steadyBackend(parseNsConf(world.conf, { adc: "prod" }));
  const { lbVservers, csVservers, services } = backend.set.estate;
  for (const name of [...lbVservers.keys(), ...csVservers.keys()]) {
    backend.set.vservers.set(name, { sinceChangeMs: LONG_AGO_MS });
  }
  for (const { members } of services.values()) {
    for (const { adcService, server, port } of members) {
      const key = memberKey(adcService, server, port);
      backend.set.members.set(key, { sinceChangeMs: LONG_AGO_MS });
    }
  }
  world.believes?.(backend.set);
  const nitro = await startNitroServer(backend, CREDENTIALS);
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-world-"));
  cleanUp(async () => {
    await nitro.close();
    await rm(directory, { recursive: true });
  });
  const config = join(directory, "config.yml");
  const mapped = [
    ...Object.entries(world.at).map(([name, port]) => [name, `127.0.0.1:${String(port)}`]),
    ...Object.entries(world.mapped ?? {}),
  ].map(([name, to]) => `  "${name ?? ""}": "${to ?? ""}"`);
  await writeFile(
    config,
    `agent: test
state_dir: ${directory}
unmapped: refuse
connect_to:
  "127.0.0.1:${String(nitro.port)}": "127.0.0.1:${String(nitro.port)}"
${mapped.join("\n")}
adcs:
  - name: prod
    nitro: { urls: ["${nitro.url}"], username: ${CREDENTIALS.username}, password: "\${NITRO_PASSWORD}" }
${world.yaml ?? ""}
`,
    { mode: 0o600 },
  );
  vi.stubEnv("NITRO_PASSWORD", CREDENTIALS.password);
  let out = "";
  let err = "";
  const status = await runCompare(
    {
      config,
      server: null,
      waitMs: 0,
      timeoutMs: world.timeoutMs ?? 60_000,
      strict: false,
      json: true,
    },
    { out: (text) => (out += text), err: (text) => (err += text) },
  );
  if (out === "") {
    throw new Error(err);
  }
  commandAnswer("compare", out);
  return { ...(JSON.parse(out) as CompareJson), status, err };
}

export interface WorldFixtures {
  /** The port of a server that does what it is told, in plain text or over TLS. */
  readonly listening: (behaviour: Behaviour, tls?: boolean) => Promise<number>;
  /** The port of a web server, in plain text or over TLS with more options. */
  readonly web: (answer: RequestListener, tls?: boolean, more?: ServerOptions) => Promise<number>;
  readonly compare: (world: World) => Promise<Compared>;
}

/** A test whose servers and rounds of `compare` end with it, also when it is concurrent: most of a round is waiting. */
export const worldTest = test.extend<WorldFixtures>({
  listening: async ({ onTestFinished: cleanUp }, use) => {
    await use(async (behaviour, tls = false) => {
      const server = await serve(behaviour, tls ? serverTls() : null);
      cleanUp(() => server.close());
      return server.port;
    });
  },
  web: async ({ onTestFinished: cleanUp }, use) => {
    await use((answer, tls = false, more = {}) =>
      webServer(answer, tls ? { ...serverTls(), ...more } : null, cleanUp),
    );
  },
  compare: async ({ onTestFinished: cleanUp }, use) => {
    await use((world) => compareWorld(world, cleanUp));
  },
});

/** A member's row; one that is not there is an error. */
export function member(json: CompareJson, adcService: string, server: string): MemberRow {
  const row = json.rows.find((each) => each.adc_service === adcService && each.server === server);
  if (row === undefined) {
    throw new Error(`no row for ${adcService} ${server}`);
  }
  return row;
}
