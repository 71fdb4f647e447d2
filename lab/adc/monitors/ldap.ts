import { converse } from "./conversation.ts";
import { match, mismatch, type MonitorResult, type MonitorTask } from "./result.ts";

const BIND_RESPONSE = 0x61;

/** LDAP (nsldap.pl), as far as the lab needs it: a simple bind must succeed. */
export async function runLdap(task: MonitorTask): Promise<MonitorResult> {
  const { bindDn } = task.monitor.parameters;
  return converse(task, async ({ socket, source, within }) => {
    socket.write(bindRequest(bindDn ?? "", task.password ?? ""));
    let seen: Buffer = Buffer.alloc(0);
    while (seen.length < 10) {
      const chunk = await within(source.some());
      if (chunk === null) {
        return mismatch("Failure - Probe failed.");
      }
      seen = Buffer.concat([seen, chunk]);
    }
    // SEQUENCE { INTEGER messageID, [APPLICATION 1] { ENUMERATED resultCode … } }
    const at = seen.indexOf(BIND_RESPONSE);
    const code = at < 0 ? -1 : seen.indexOf(Buffer.from([0x0a, 0x01]), at);
    return code >= 0 && seen[code + 2] === 0
      ? match("Success - Probe succeeded.")
      : mismatch("Failure - Probe failed.");
  });
}

function bindRequest(name: string, password: string): Buffer {
  const body = Buffer.concat([
    Buffer.from([0x02, 0x01, 0x03]),
    element(0x04, Buffer.from(name, "utf8")),
    element(0x80, Buffer.from(password, "utf8")),
  ]);
  return element(0x30, Buffer.concat([Buffer.from([0x02, 0x01, 0x01]), element(0x60, body)]));
}

function element(tag: number, content: Buffer): Buffer {
  const length =
    content.length < 0x80 ? [content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}
