import type { Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { compareWorld, member } from "../support/compared-world.ts";
import { serve } from "../support/scripted-server.ts";

const CONF = `add server mbx01 198.51.100.11
add server app01 198.51.100.12
add service svc_mail mbx01 TCP 25
add service svc_app app01 HTTP 80
add lb monitor mon_port TCP -interval 10 -resptimeout 2 -LRTM DISABLED
add lb monitor mon_slow HTTP-ECV -recv ok -interval 400 -resptimeout 300 -LRTM DISABLED
bind service svc_mail -monitorName mon_port
bind service svc_app -monitorName mon_slow
add lb vserver v_mail TCP 192.0.2.21 25
bind lb vserver v_mail svc_mail
add lb vserver v_app HTTP 192.0.2.22 80
bind lb vserver v_app svc_app
`;

/** Exchange under back pressure: it greets, and takes no message. */
function backPressure(socket: Socket): void {
  socket.write("220 mbx01.lab.example Microsoft ESMTP MAIL Service ready\r\n");
  socket.on("data", (data) => {
    const command = data.toString("latin1").slice(0, 4).toUpperCase();
    const replies: Readonly<Record<string, string>> = {
      EHLO: "250-mbx01.lab.example Hello\r\n250 SIZE\r\n",
      MAIL: "452 4.3.1 Insufficient system resources\r\n",
      QUIT: "221 2.0.0 Service closing transmission channel\r\n",
    };
    socket.write(replies[command] ?? "500 5.3.3 Unrecognized command\r\n");
  });
}

describe("compare", () => {
  test("compare › adds Exchange looks to a member that was identified as Exchange while another monitor takes all the time", async () => {
    const mail = await serve(backPressure);
    const silent = await serve(() => undefined);
    onTestFinished(async () => {
      await mail.close();
      await silent.close();
    });
    const json = await compareWorld({
      conf: CONF,
      at: { "198.51.100.11:25": mail.port, "198.51.100.12:80": silent.port },
      yaml: "looks: { web: false }",
      timeoutMs: 16_000,
    });
    expect(mail.received()).toMatch(/MAIL FROM/i);
    expect(member(json, "svc_mail", "mbx01")).toMatchObject({
      verdict: "blind_monitor",
    });
    expect(member(json, "svc_app", "app01")).toMatchObject({ verdict: "unknown" });
  });
});
