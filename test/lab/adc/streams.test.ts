import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { labCaFile } from "../../support/lab-certificate-files.ts";
import { serve, type ScriptedServer } from "../../support/scripted-server.ts";
import { startTestAdc, until, type TestAdc } from "./support/test-adc.ts";
import { missing } from "../../support/real-servers.ts";

const lacking = missing("openssl", "openssl");

const CONF = `
add server ex01 198.51.100.11
add server ex02 198.51.100.12
add server dc01 198.51.100.5
add serviceGroup sg_imaps TCP
add serviceGroup sg_imap TCP
add serviceGroup sg_dns UDP
add lb monitor mon_tcp TCP -interval 600 MSEC -resptimeout 590 MSEC -downTime 300 MSEC
add lb monitor mon_banner TCP-ECV -recv "IMAP4 service is ready" -interval 600 MSEC -resptimeout 590 MSEC -downTime 300 MSEC
add lb monitor mon_udp UDP-ECV -send x -interval 600 MSEC -resptimeout 590 MSEC -downTime 300 MSEC
add lb vserver v_imaps TCP 192.0.2.20 993
add lb vserver v_offload SSL_TCP 192.0.2.21 993
add lb vserver v_uncertified SSL_TCP 192.0.2.22 993
add lb vserver v_dns UDP 192.0.2.23 53
bind serviceGroup sg_imaps ex01 993
bind serviceGroup sg_imaps ex02 993
bind serviceGroup sg_imaps -monitorName mon_tcp
bind serviceGroup sg_imap ex01 143
bind serviceGroup sg_imap ex02 143
bind serviceGroup sg_imap -monitorName mon_banner
bind serviceGroup sg_dns dc01 53
bind serviceGroup sg_dns -monitorName mon_udp
bind lb vserver v_imaps sg_imaps
bind lb vserver v_offload sg_imap
bind lb vserver v_uncertified sg_imap
bind lb vserver v_dns sg_dns
add ssl certKey mail -cert mail.pem -key mail.key.pem
bind ssl vserver v_offload -certkeyName mail
`;

/** An IMAP server as far as a banner and an echo go; `mute` accepts and closes, as in maintenance. */
async function imap(name: string): Promise<ScriptedServer & { setMute(mute: boolean): void }> {
  let mute = false;
  const server = await serve((socket) => {
    if (mute) {
      socket.end();
      return;
    }
    socket.write(`* OK The Microsoft Exchange IMAP4 service is ready. ${name}\r\n`);
    socket.on("data", (data) => socket.write(`${name}: ${data.toString()}`));
    socket.on("end", () => socket.end());
  });
  return {
    ...server,
    setMute: (value) => {
      mute = value;
    },
  };
}

let imaps: Awaited<ReturnType<typeof imap>>[];
let running: TestAdc;
const dns = createSocket("udp4");

beforeAll(async () => {
  imaps = [await imap("ex01"), await imap("ex02")];
  dns.on("message", (message, from) => {
    dns.send(Buffer.concat([Buffer.from("re:"), message]), from.port, from.address);
  });
  dns.bind(0, "127.0.0.1");
  await once(dns, "listening");
  const [first, second] = imaps.map(({ port }) => port);
  running = await startTestAdc(CONF, {
    "198.51.100.11:993": first ?? 0,
    "198.51.100.12:993": second ?? 0,
    "198.51.100.11:143": first ?? 0,
    "198.51.100.12:143": second ?? 0,
    "198.51.100.5:53": dns.address().port,
  });
});

afterAll(async () => {
  await running.adc.close();
  await Promise.all(imaps.map((server) => server.close()));
  dns.close();
});

async function client(port: number): Promise<{ socket: Socket; line: () => Promise<string> }> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  const lines: string[] = [];
  socket.on("data", (data) =>
    lines.push(
      ...data
        .toString()
        .split("\r\n")
        .filter((line) => line !== ""),
    ),
  );
  await once(socket, "connect");
  return {
    socket,
    line: async () => {
      await until("a line has come", () => lines.length > 0 || socket.destroyed);
      return lines.shift() ?? "";
    },
  };
}

describe.skipIf(lacking !== null)("lab ADC streams and datagrams", () => {
  test("passes bytes and sends the next client to the server with fewer connections", async () => {
    const port = running.port("192.0.2.20", 993);
    const first = await client(port);
    const name = /ex0\d/.exec(await first.line())?.[0];
    first.socket.write("a1 NOOP\r\n");
    expect(await first.line()).toBe(`${name ?? ""}: a1 NOOP`);
    const second = await client(port);
    const other = /ex0\d/.exec(await second.line())?.[0];
    expect(new Set([name, other])).toEqual(new Set(["ex01", "ex02"]));
    expect(running.adc.vserver("v_imaps")?.belief().clientConnections).toBe(2);
    first.socket.end();
    second.socket.end();
    await until(
      "both have gone",
      () => running.adc.vserver("v_imaps")?.belief().clientConnections === 0,
    );
  });

  test("terminates TLS at an SSL_TCP vserver", async () => {
    const { stdout } = await openssl(running.port("192.0.2.21", 993));
    expect(stdout).toContain("Verification: OK");
    expect(stdout).toContain("* OK The Microsoft Exchange IMAP4 service is ready.");
  });

  test("keeps an SSL vserver down when it has no certificate", async () => {
    expect(running.adc.vserver("v_uncertified")?.belief()).toMatchObject({
      state: "DOWN",
      remark: "Certkey not bound",
    });
    expect((await openssl(running.port("192.0.2.22", 993))).stdout).not.toContain("* OK");
  });

  test("shows a server that accepts and closes as UP to a TCP monitor and DOWN to a banner monitor", async () => {
    imaps[1]?.setMute(true);
    const byBanner = running.adc.member("sg_imap", "ex02", 143);
    await until("the banner monitor notices", () => byBanner?.state === "DOWN");
    const byTcp = running.adc.member("sg_imaps", "ex02", 993);
    expect(byTcp?.state).toBe("UP");
    const lines = [];
    for (let index = 0; index < 2; index += 1) {
      const { socket, line } = await client(running.port("192.0.2.20", 993));
      lines.push(await line());
      socket.destroy();
    }
    // One of two clients reaches the server that hangs up on it.
    expect(lines.filter((line) => line === "")).toHaveLength(1);
    imaps[1]?.setMute(false);
    await until("it is back", () => byBanner?.state === "UP");
  });

  test("passes datagrams and their responses", async () => {
    const socket = createSocket("udp4");
    socket.send("who", running.port("192.0.2.23", 53), "127.0.0.1");
    const [answer] = (await once(socket, "message")) as [Buffer];
    expect(answer.toString()).toBe("re:who");
    socket.close();
  });
});

function openssl(port: number): Promise<{ stdout: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      "openssl",
      [
        "s_client",
        "-connect",
        `127.0.0.1:${String(port)}`,
        "-CAfile",
        labCaFile(),
        "-servername",
        "mail.example.com",
        "-ign_eof",
      ],
      { timeout: 20_000 },
      (_, stdout) => {
        resolve({ stdout });
      },
    );
    let seen = "";
    child.stdout?.on("data", (data: string) => {
      seen += data;
      if (seen.includes("* OK")) {
        child.stdin?.destroy();
        child.kill();
      }
    });
  });
}
