import { setImmediate as nextTurn } from "node:timers/promises";
import { LbRuntime } from "../../lab/adc/lb-runtime.ts";
import { MemberRuntime } from "../../lab/adc/member-runtime.ts";
import { match, mismatch, refused, type MonitorResult } from "../../lab/adc/monitors/result.ts";
import { passes } from "../../lab/adc/monitors/registry.ts";
import { RunningMonitor } from "../../lab/adc/running-monitor.ts";
import { answerImap, answerPop3, answerSmtp } from "../../lab/faults/healthy-servers.ts";
import type { AdcService, Member } from "../../src/model/adc-service.ts";
import type { Estate } from "../../src/model/estate.ts";
import type { Monitor } from "../../src/model/monitor.ts";

/**
 * Servers that are all well, as the monitors of one configuration know them: they listen where it says, speak what its types
 * and ports say, and answer what is asked of them there as it expects. No socket is opened; the states are the lab's ADC's.
 */
export interface World {
  readonly answer: (monitor: Monitor, member: Member, service: AdcService) => MonitorResult;
}

type Protocol = "http" | "imap" | "pop3" | "smtp" | "other";

interface Port {
  readonly protocol: Protocol;
  readonly tls: boolean;
}

const BY_PORT: ReadonlyMap<number | "*", Port> = new Map<number, Port>([
  [25, { protocol: "smtp", tls: false }],
  [587, { protocol: "smtp", tls: false }],
  // Exchange's, which begins in the clear.
  [465, { protocol: "smtp", tls: false }],
  [110, { protocol: "pop3", tls: false }],
  [995, { protocol: "pop3", tls: true }],
  [143, { protocol: "imap", tls: false }],
  [993, { protocol: "imap", tls: true }],
  [80, { protocol: "http", tls: false }],
  [443, { protocol: "http", tls: true }],
  [636, { protocol: "other", tls: true }],
]);

/** Pages that a well Exchange answers with 200, whatever else it asks a login for. */
const OF_EXCHANGE = /\/healthcheck\.htm|^\/owa\/auth\/logon\.aspx/i;
const PAGE = "HTTP/1.1 200 OK\r\n\r\n200 OK<br/>EX01.example.com";

/** `status`: what a page answers that no monitor has asked for, or that may answer one thing or another. */
export function worldOf(estate: Estate, status: number): World {
  const ports = new Map<string, Port>();
  const asked = new Set<string>();
  const statuses = new Map<string, number>();
  for (const service of estate.services.values()) {
    for (const member of service.members) {
      ports.set(String(member.port), portOf(member.port, service));
    }
    for (const { monitor: name } of service.monitors) {
      const monitor = estate.monitors.get(name);
      if (monitor !== undefined) {
        asked.add(question(monitor, service));
        if (monitor.destPort !== null && !ports.has(String(monitor.destPort))) {
          const { protocol } = portOf(monitor.destPort, service);
          const tls = BY_PORT.get(monitor.destPort)?.tls ?? monitor.secure;
          ports.set(String(monitor.destPort), { protocol, tls });
        }
        const path = pathOf(monitor);
        const ranges = monitor.parameters.respCodes ?? [];
        const taken = ranges.some(({ from, to }) => status >= from && status <= to);
        if (path !== null && ranges.length > 0 && !statuses.has(path)) {
          statuses.set(path, taken ? status : (ranges[0]?.from ?? 200));
        }
      }
    }
  }

  function answer(monitor: Monitor, member: Member, service: AdcService): MonitorResult {
    const place = ports.get(String(monitor.destPort ?? member.port));
    if (monitor.type === "PING") {
      return match("");
    }
    if (place === undefined) {
      return refused("");
    }
    if (monitor.secure !== place.tls && monitor.type !== "TCP") {
      return mismatch("TLS");
    }
    const path = pathOf(monitor);
    const { send, recv, respCodes } = monitor.parameters;
    const known = path !== null && OF_EXCHANGE.test(path);
    if (monitor.type.startsWith("HTTP") && path === null) {
      // Half a request, `GET` alone: a server calls it a bad one.
      return respCodes?.some(({ from, to }) => from <= 400 && to >= 400) ? match("") : mismatch("");
    }
    if (path !== null && respCodes !== null) {
      const code = known ? 200 : (statuses.get(path) ?? status);
      return respCodes.some(({ from, to }) => code >= from && code <= to)
        ? match("")
        : mismatch("");
    }
    if (known) {
      return PAGE.includes(recv ?? "") ? match("") : mismatch("");
    }
    if (asked.has(question(monitor, service)) || monitor.type === "TCP") {
      return match("");
    }
    if (!monitor.type.endsWith("-ECV") || monitor.type === "UDP-ECV") {
      return place.protocol === "http" ? mismatch("") : match("");
    }
    return said(place.protocol, send ?? "", status).includes(recv ?? "") ? match("") : mismatch("");
  }

  return { answer };
}

function portOf(port: number | "*", { serviceType }: AdcService): Port {
  const known = BY_PORT.get(port);
  const protocol = known?.protocol ?? (/^(HTTP|SSL)$/.test(serviceType) ? "http" : "other");
  const tls = serviceType.startsWith("SSL") || (known?.tls === true && serviceType !== "HTTP");
  return { protocol, tls };
}

/** Over TLS or not, and with whatever headers. */
function question({ type, parameters }: Monitor, { name }: AdcService): string {
  return JSON.stringify([name, type, { ...parameters, customHeaders: null }]);
}

function pathOf({ parameters }: Monitor): string | null {
  const request = parameters.httpRequest ?? parameters.send ?? "";
  return /^\s*[A-Z]+\s+(\/\S*)/i.exec(request)?.[1] ?? null;
}

/** All that a server says by itself and to these lines. */
function said(protocol: Protocol, send: string, status: number): string {
  const lines = send.split(/\r\n|\\r\\n/).filter((line) => line !== "");
  switch (protocol) {
    case "http":
      return `HTTP/1.1 ${String(status)} Answer\r\n\r\n`;
    case "imap":
      return `* OK ready\r\n${lines.map(answerImap).join("")}`;
    case "pop3":
      return `+OK ready\r\n${lines.map(answerPop3).join("")}`;
    case "smtp":
      return `220 mail.example.com ESMTP\r\n${lines.map(answerSmtp).join("")}`;
    case "other":
      return "";
  }
}

const ONCE = { intervalMs: 1e9, downTimeMs: 1e9, retries: 1, failureRetries: 0, successRetries: 1 };

/** What the lab's ADC believes of each member and load-balancing vserver once every monitor has made up its mind. */
export async function statesIn(estate: Estate, world: World): Promise<ReadonlyMap<string, string>> {
  const now = (): number => 0;
  const members = [...estate.services.values()].flatMap((service) =>
    service.members.map((member) => {
      const runtime = new MemberRuntime({
        member,
        service,
        monitors: (onResult) =>
          service.monitors.flatMap((binding) => {
            const monitor = estate.monitors.get(binding.monitor);
            const probe = monitor && {
              run: () => Promise.resolve(world.answer(monitor, member, service)),
              passes: (outcome: MonitorResult["outcome"]) => passes(monitor, outcome),
            };
            const enabled = binding.enabled && monitor?.enabled === true;
            return [new RunningMonitor({ ...binding, enabled }, ONCE, probe ?? null, onResult)];
          }),
        now,
        onChange: () => undefined,
        flushOnDown: false,
      });
      runtime.start(0);
      return { key: `${service.name} ${member.server} ${String(member.port)}`, runtime };
    }),
  );
  while (!members.every(({ runtime }) => runtime.settled)) {
    await nextTurn();
  }
  const vservers = new Map<string, LbRuntime>();
  for (const vserver of estate.lbVservers.values()) {
    const behind = members.filter(({ runtime }) =>
      vserver.services.some(({ service }) => service === runtime.service.name),
    );
    const runtime = new LbRuntime({
      vserver,
      members: behind.map((one) => one.runtime),
      now,
      timeScale: 1,
      backup: () => vservers.get(vserver.backupVserver ?? "") ?? null,
      certificateMissing: false,
    });
    vservers.set(vserver.name, runtime);
  }
  const states = new Map([
    ...members.map(({ key, runtime }) => [key, runtime.state] as const),
    ...[...vservers].map(([name, runtime]) => [`vserver ${name}`, runtime.effectiveState] as const),
  ]);
  members.forEach(({ runtime }) => {
    runtime.stop();
  });
  return states;
}
