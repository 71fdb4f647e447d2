import { createServer } from "node:http";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { NotifyConfig } from "../../src/config/schema.ts";
import { Secret } from "../../src/lib/secret.ts";
import { StorageWatch } from "../../src/lib/durable-file.ts";

import type { MessageData } from "../../src/notify/message.ts";
import { Notifications, NOTIFY_FILE } from "../../src/notify/notifications.ts";
import { aLiveState, aMember, maintenanceHour } from "../support/live-state.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const WAIT_MS = 30_000;
const quiet = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A webhook on loopback whose status can be set, a clock, and what was heard. */
async function aWorld() {
  const heard: MessageData[] = [];
  const world = {
    status: 200,
    now: Date.UTC(2026, 10, 22, 12),
    live: maintenanceHour(),
    heard,
    outcomes: [] as string[],
    stateDir: await temporaryFolder(),
    subjects: () => heard.splice(0).map(({ subject }) => subject),
  };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      if (world.status === 200) {
        heard.push(JSON.parse(body) as MessageData);
      }
      response.writeHead(world.status).end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { world, url: `http://127.0.0.1:${String(port)}/hook` };
}

type World = Awaited<ReturnType<typeof aWorld>>["world"];

const notifier = (url: string, when: Partial<NotifyConfig["when"]> = {}): NotifyConfig => ({
  name: "hook",
  when: { severity: "warning", verdicts: [], adcs: [], servers: [], vservers: [], ...when },
  receiver: {
    kind: "webhook",
    url: new Secret(url),
    template: { kind: "json" },
    ca: null,
    verify: true,
  },
  groupWaitMs: WAIT_MS,
  repeatMs: 3_600_000,
});

async function begin(world: World, ...notify: NotifyConfig[]): Promise<Notifications> {
  const notifications = new Notifications({
    live: () => world.live,
    config: () => ({
      agent: "dc1",
      notify,
      stateDir: world.stateDir,
      web: { listen: [], configFile: null, hosts: [], externalUrl: null },
    }),
    storage: new StorageWatch(quiet),
    log: quiet,
    onOutcome: (name, outcome) => world.outcomes.push(`${name} ${outcome}`),
    now: () => world.now,
  });
  await notifications.start();
  onTestFinished(() => notifications.stop());
  return notifications;
}

const WRONG = "[CRITICAL] NetScaler prod sends IMAP clients to ex02, which is in maintenance";
const OVER = "[RESOLVED] NetScaler prod sends IMAP clients to ex02, which is in maintenance";

test("notifications › send one message per cause and one for its end, across a restart", async () => {
  const { world, url } = await aWorld();
  const first = await begin(world, notifier(url));
  await first.look();
  world.now += WAIT_MS;
  await first.look();
  expect(world.subjects()).toEqual([WRONG]);
  await first.stop();

  const empty = { ...world.live, members: [], vservers: [] };
  const live = world.live;
  world.live = empty;
  const second = await begin(world, notifier(url));
  for (const next of [empty, live, live]) {
    world.live = next;
    world.now += WAIT_MS;
    await second.look();
  }
  expect(world.subjects()).toEqual([]);

  world.live = {
    ...live,
    members: live.members.map((member) => ({ ...member, verdict: "agree_up" })),
  };
  await second.look();
  world.now += WAIT_MS;
  await second.look();
  expect(world.subjects()).toEqual([OVER]);
  expect(world.outcomes).toEqual(["hook sent", "hook sent"]);
});

test("notifications › retry failed messages in order, across a restart", async () => {
  const { world, url } = await aWorld();
  const first = await begin(world, notifier(url));
  world.status = 503;
  await first.look();
  world.now += WAIT_MS;
  await first.look();
  await first.stop();
  world.live = {
    ...world.live,
    members: [...world.live.members, aMember({ server: "ex09", verdict: "false_up" })],
  };

  const second = await begin(world, notifier(url));
  await second.look();
  world.now += WAIT_MS;
  await second.look();
  expect(world.subjects()).toEqual([]);
  world.status = 200;
  world.now += 15 * 60_000;
  await second.look();
  await second.look();
  expect(world.subjects()).toEqual([
    WRONG,
    "[CRITICAL] NetScaler prod says IMAP on ex09 is UP, but it is down",
  ]);
  expect(world.outcomes.filter((outcome) => outcome === "hook sent")).toHaveLength(2);
});

test("notifications › drop a message after a day of failures, and at once when refused", async () => {
  const { world, url } = await aWorld();
  const notifications = await begin(world, notifier(url));
  world.status = 503;
  await notifications.look();
  world.now += WAIT_MS;
  await notifications.look();
  world.now += 25 * 3_600_000;
  await notifications.look();
  expect(world.outcomes).toEqual(["hook failed", "hook dropped"]);

  const other = await aWorld();
  other.world.status = 400;
  const refusing = await begin(other.world, notifier(other.url));
  await refusing.look();
  other.world.now += WAIT_MS;
  await refusing.look();
  expect(other.world.outcomes).toEqual(["hook dropped"]);
});

test.each([
  [{}, 1],
  [{ severity: "critical" }, 1],
  [{ servers: ["EX02"] }, 1],
  [{ servers: ["ex01"] }, 0],
  [{ verdicts: ["false_down"] }, 0],
  [{ vservers: ["v_*"] }, 1],
  [{ adcs: ["dr"] }, 0],
] as const)("notifications › follow the rule %j", async (when, count) => {
  const { world, url } = await aWorld();
  const notifications = await begin(world, notifier(url, when));
  await notifications.look();
  world.now += WAIT_MS;
  await notifications.look();
  expect(world.subjects()).toHaveLength(count);
});

test("notifications › set a damaged file aside and limit the stored causes", async () => {
  const { world, url } = await aWorld();
  await writeFile(join(world.stateDir, NOTIFY_FILE), '{"hook":{"ledger":{"x":1}}}');
  world.live = aLiveState({
    members: Array.from({ length: 3_000 }, (_, index) =>
      aMember({ server: `ex${String(index)}`, verdict: "false_up" }),
    ),
  });
  const notifications = await begin(world, notifier(url));
  await notifications.look();
  world.now += WAIT_MS;
  await notifications.look();
  expect(world.heard).toHaveLength(1);
  expect(world.heard[0]).toMatchObject({
    subject: expect.stringMatching(/^\[1000 causes\] /) as string,
    omitted: 985,
  });
  const stored = await readFile(join(world.stateDir, NOTIFY_FILE), "utf8");
  expect(stored.length).toBeLessThan(4_000_000);
});
