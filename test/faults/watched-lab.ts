import { parse, stringify } from "yaml";
import { writeFile } from "node:fs/promises";
import type { Lab } from "../../lab/lab.ts";
import type { NitroFaultHook } from "../../lab/nitro/faults.ts";
import { BuiltAgent, type BuiltAgentOptions } from "../support/built-agent.ts";
import { until, withLab } from "../support/lab-agent.ts";
import { partOfDemo } from "../support/part-of-demo.ts";

const TIMING = "-interval 2 -resptimeout 1 -downTime 2";

export interface WatchedLab {
  readonly lab: Lab;
  readonly agent: BuiltAgent;
  readonly directory: string;
  readonly configFile: string;
  readonly yaml: string;
  readonly options: BuiltAgentOptions;
}

type Change = (written: Record<string, unknown>) => Record<string, unknown>;

/**
 * A lab in which all is well, and the built agent watching it, once everybody agrees: six members in two groups, probed
 * in clear and by TLS, and the ADC that speaks for them.
 */
export async function withWatchedLab(
  options: {
    readonly change?: Change;
    /** In place of each monitor's timing. Default: every two seconds. */
    readonly timing?: string;
    /** What happens to requests of NITRO. */
    readonly nitroFaults?: NitroFaultHook;
    /** Done when the configuration is written, before the agent starts. */
    readonly before?: () => Promise<void>;
  } & Omit<Partial<BuiltAgentOptions>, "configFile">,
  use: (world: WatchedLab) => Promise<void>,
): Promise<void> {
  const timing = options.timing ?? TIMING;
  const confText = partOfDemo({ groups: ["sg_imap", "sg_owa"], timing });
  const { nitroFaults: faults } = options;
  const nitro = faults === undefined ? {} : { nitro: { faults } };
  await withLab({ confText, ...nitro }, async ({ lab, directory, configFile, yaml, env }) => {
    const change: Change = options.change ?? ((written) => written);
    const written = parse(yaml) as Record<string, unknown>;
    const text = stringify(change({ ...written, transactions: {} }));
    await writeFile(configFile, text);
    await options.before?.();
    const started: BuiltAgentOptions = {
      configFile,
      env: { ...env, ...options.env },
      ...(options.through === undefined ? {} : { through: options.through }),
      ...(options.nodeOptions === undefined ? {} : { nodeOptions: options.nodeOptions }),
    };
    const agent = await BuiltAgent.start(started);
    try {
      await allAgree(agent);
      await use({ lab, agent, directory, configFile, yaml: text, options: started });
    } finally {
      await agent.end("SIGKILL");
    }
  });
}

/** Waits until every member and every vserver is found to be well. */
export async function allAgree(agent: BuiltAgent, deadlineMs = 60_000): Promise<void> {
  await until(
    "all agree",
    () => wordsOf(agent),
    (words) => words === "agree_up vip_agree_up",
    deadlineMs,
  );
}

/** The current verdicts, each once. */
export async function wordsOf(agent: BuiltAgent): Promise<string> {
  const { rows, vservers } = await agent.verdicts();
  return [...new Set([...rows, ...vservers].map(({ verdict }) => verdict))].sort().join(" ");
}

/** The agent's current opinions, each once. */
export async function opinionsOf(agent: BuiltAgent): Promise<string> {
  const { rows } = await agent.verdicts();
  const opinions = rows.flatMap((row) => [row.opinions.replica, row.opinions.service]);
  return [...new Set(opinions)].sort().join(" ");
}
