import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { INTERVAL_SECONDS, PLANS, type Protocol } from "./protocols.ts";

const PER_GROUP = 50;

/**
 * The members of one protocol, with a number of them per service group, behind LB vservers that are reached only by
 * content switching.
 */
export interface ConfPart {
  readonly protocol: Protocol;
  readonly members: number;
}

/** An ns.conf of these members, every member with one monitor, named and addressed by its place in the whole. */
export function estateConf(parts: readonly ConfPart[], intervalSeconds = INTERVAL_SECONDS): string {
  const timeout = Math.max(1, intervalSeconds - 1);
  const lines = ["#NS13.1 Build 37.38", "enable ns feature LB SSL"];
  let first = 0;
  for (const { protocol, members } of parts) {
    const plan = PLANS[protocol];
    lines.push(
      `add lb monitor m_${protocol} ${plan.monitor} -interval ${String(intervalSeconds)} -resptimeout ${String(timeout)} -downTime ${String(intervalSeconds)}`,
    );
    for (let start = 0; start < members; start += PER_GROUP) {
      lines.push(
        ...groupLines(
          protocol,
          plan.serviceType,
          first + start,
          Math.min(PER_GROUP, members - start),
        ),
      );
    }
    first += members;
  }
  return `${lines.join("\n")}\n`;
}

function groupLines(protocol: Protocol, type: string, first: number, count: number): string[] {
  const group = `sg_${protocol}_${String(first)}`;
  const members = Array.from({ length: count }, (_, index) => first + index);
  return [
    ...members.map((member) => `add server s${String(member)} ${addressOf(member)}`),
    `add serviceGroup ${group} ${type}`,
    `add lb vserver v_${protocol}_${String(first)} ${type} 0.0.0.0 0`,
    `bind lb vserver v_${protocol}_${String(first)} ${group}`,
    ...members.map((member) => `bind serviceGroup ${group} s${String(member)} ${String(PORT)}`),
    `bind serviceGroup ${group} -monitorName m_${protocol}`,
  ];
}

const PORT = 4443;

/** `connect_to` for the whole estate: one target on loopback per protocol serves all its members. */
function connectTo(
  parts: readonly ConfPart[],
  ports: Readonly<Record<Protocol, number>>,
): Record<string, string> {
  const mapping: Record<string, string> = {};
  let first = 0;
  for (const { protocol, members } of parts) {
    for (let member = first; member < first + members; member++) {
      mapping[`${addressOf(member)}:${String(PORT)}`] = `127.0.0.1:${String(ports[protocol])}`;
    }
    first += members;
  }
  return mapping;
}

/** 198.18.0.1 and on (the block of benchmarks, RFC 2544), 250 to a network. */
function addressOf(member: number): string {
  const network = Math.floor(member / 250);
  return `198.${String(18 + (network >> 8))}.${String(network & 255)}.${String(1 + (member % 250))}`;
}

/** An estate of the bench: its members, the ports that serve them, and further configuration. */
export interface BenchEstate {
  readonly parts: readonly ConfPart[];
  readonly ports: Readonly<Record<Protocol, number>>;
  readonly intervalSeconds?: number;
  /** More of the configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Writes the estate and a configuration that watches it into a folder; returns the configuration's path. */
export async function writeConfig(directory: string, estate: BenchEstate): Promise<string> {
  const { parts, ports, intervalSeconds, config } = estate;
  const conf = join(directory, "ns.conf");
  const file = join(directory, "agent.yml");
  await writeFile(conf, estateConf(parts, intervalSeconds));
  await writeFile(
    file,
    stringify({
      agent: "bench",
      state_dir: join(directory, "state"),
      adcs: [{ name: "bench", ns_conf: conf }],
      connect_to: connectTo(parts, ports),
      log: { level: "error" },
      ...config,
    }),
  );
  return file;
}
