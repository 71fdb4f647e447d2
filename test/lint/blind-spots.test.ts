import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runLint } from "../../src/cli/lint.ts";
import { debianProgram } from "../support/debian-program.ts";

const GUIDES = [
  {
    title: "The guide for Exchange 2010",
    about:
      "Plain HTTP behind an ADC that offloads TLS, banners and logins on the mail ports, one pinned port for RPC.",
    file: "exchange-2010-full.conf",
  },
  {
    title: "The guide for Exchange 2016 and 2019",
    about: "Health pages over TLS for every virtual directory, and plain `tcp` on all mail ports.",
    file: "exchange-2016.conf",
  },
];

const INTRODUCTION = `# Why did my ADC not see it?

Each row is a monitor of the two guides' own configurations, a monitor that \`adc-witness lint\` proposes instead
(advised), or a look that adc-witness runs by default, without an account. Each column is a failure of the server. **blind**
means that the monitor passed during the failure, so that the ADC considered the server UP and sent it clients.

Every cell was measured: each monitor was run against an Exchange server of the lab in that state. To measure your own
configuration: \`adc-witness lint ns.conf --matrix\`.

- *down* in bold is a monitor that fails although the server is healthy: Exchange answers \`HEAD /\` with a redirect, not with 200.
- *port open, silent*: the kernel accepts connections, but nothing responds. *hung*: the TLS handshake also works, then nothing.
- *TLS ranges do not meet*: the server supports nothing below TLS 1.3, the monitor nothing above TLS 1.2.
- *maintenance*: \`ServerWideOffline\`. Health pages are aborted while the virtual directories still work, IMAP and POP accept
  and close, SMTP sends its greeting and refuses senders. Exchange 2010 has no such state: there the services are stopped.
- *mailbox side dead*: the front end works, the databases behind it do not. Only a login notices that.
- A monitor does not check certificates unless configured to, and neither do the looks: adc-witness reports them next to
  the opinion (\`adc_witness_tls_verification\`), because clients refuse what a monitor accepts.
`;

const ping = debianProgram("ping", "iputils-ping");

test.skipIf(ping === null)(
  "blind spots › document is what a measurement gives",
  { timeout: 240_000 },
  async () => {
    const sections: string[] = [];
    for (const { title, about, file } of GUIDES) {
      const path = fileURLToPath(new URL(`../fixtures/ns.conf/${file}`, import.meta.url));
      let out = "";
      const status = await runLint(
        path,
        {
          ...{ format: "text", matrix: true, severity: "info", rules: [], object: null },
          ...{ config: null, strict: false, writeFixes: null },
        },
        { out: (part) => (out += part), err: (part) => expect.unreachable(part) },
      );
      expect(status).toBe(1);
      sections.push(`## ${title}\n\n${about}\n\n${out}`);
    }
    const document = `${[INTRODUCTION, ...sections].join("\n").trimEnd()}\n`;
    // After a change that is meant: vitest run test/lint/blind-spots.test.ts --update
    await expect(document).toMatchFileSnapshot("../../docs/dev/blind-spots.md");
  },
);
