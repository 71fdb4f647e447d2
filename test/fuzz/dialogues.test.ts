import { afterEach, describe, expect, test } from "vitest";
import { serveInMemory } from "../../bench/fuzz/servers/in-memory.ts";
import { serveTcp, serveUdp } from "../../bench/fuzz/servers/on-loopback.ts";
import { noEcho, readScript, waysToSay, writeScript } from "../../bench/fuzz/servers/script.ts";
import type { FuzzServer } from "../../bench/fuzz/servers/server.ts";
import { DIALOGUES } from "../../bench/fuzz/targets/dialogue-list.ts";
import type { Dialogue } from "../../bench/fuzz/targets/dialogues.ts";
import { dial } from "../../src/net/dial.ts";
import { observe } from "../../src/net/probe-run.ts";
import { probeContext } from "../support/probe-context.ts";

const servers: FuzzServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** FTP's data connection has no listener of its own on loopback. */
const WITH_ONE_CONNECTION = DIALOGUES.filter(({ name }) => !name.startsWith("ftp"));

describe("seed dialogue", () => {
  test.each(DIALOGUES)("$name › passes its probe", async (dialogue) => {
    const [good = []] = dialogue.seeds;
    expect(await judged(dialogue, serveInMemory(dialogue.echo), good)).toBe("match ok");
  });

  test.each(WITH_ONE_CONNECTION)(
    "$name › gives the same result over real sockets",
    async (dialogue) => {
      const serve = dialogue.transport === "tcp" ? serveTcp : serveUdp;
      for (const answers of dialogue.seeds) {
        const inMemory = await judged(dialogue, serveInMemory(dialogue.echo), answers);
        expect(await judged(dialogue, await serve(dialogue.echo), answers)).toBe(inMemory);
      }
    },
  );
});

async function judged(
  { probe }: Dialogue,
  server: FuzzServer,
  answers: readonly string[],
): Promise<string> {
  servers.push(server);
  server.say(readScript(writeScript(answers)));
  const target = { host: "127.0.0.1", port: server.port, server: "s" };
  const { outcome, reason } = await probe(target, contextAt(server));
  await server.hangUp();
  return `${outcome} ${reason}`;
}

function contextAt({ sockets }: FuzzServer) {
  const context = probeContext(2_000);
  return { ...context, network: { ...context.network, sockets } };
}

describe("in-memory server", () => {
  test.each([
    { way: 0, hears: "hello, closed" },
    { way: 1, hears: "h, e, l, l, o, closed" },
    { way: 4, hears: "hello, named" },
  ])("speaks and ends as the first byte says: $hears", async ({ way, hears }) => {
    const server = serveInMemory(noEcho);
    const script = waysToSay(writeScript(["hello"]))[way] ?? Buffer.alloc(0);
    server.say(readScript(script));
    const heard: string[] = [];
    await observe(contextAt(server), async (run) => {
      const dialled = await dial(run, { host: "127.0.0.1", port: 1, server: null }, { tls: null });
      while (dialled.kind === "connected") {
        const next = await dialled.connection.read();
        heard.push(next.kind === "data" ? next.data.toString() : next.kind);
        if (next.kind !== "data") {
          break;
        }
      }
      return run.match("response");
    });
    expect(heard.join(", ")).toBe(hears);
    await server.hangUp();
  });

  test("reports a connection that a probe left open", async () => {
    const server = serveInMemory(noEcho);
    server.say(readScript(writeScript(["hello"])));
    server.sockets.tcp({ port: 1 });
    await expect(server.hangUp()).rejects.toThrow("the probe left 1 sockets open");
  });
});
