import { spawnSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { labCaFile } from "../../support/lab-certificate-files.ts";
import type { ExchangeServer, Organisation } from "../../../lab/exchange/exchange-server.ts";
import { md4 } from "../../../lab/exchange/ntlm/md4.ts";
import { rc4 } from "../../../lab/exchange/ntlm/rc4.ts";
import {
  ACCOUNT,
  hasProgram,
  httpsRequest,
  newOrganisation,
  portOf,
  run,
  SECOND_ACCOUNT,
  startServer,
} from "./support.ts";

let organisation: Organisation;
let server: ExchangeServer;

beforeEach(async () => {
  organisation = newOrganisation();
  server = await startServer({ organisation });
});

afterEach(() => server.close());

function basic(password: string = ACCOUNT.password, username: string = ACCOUNT.address) {
  const token = Buffer.from(`${username}:${password}`).toString("base64");
  return { Authorization: `Basic ${token}` };
}

describe("lab hashes", () => {
  it.each([
    ["", "31d6cfe0d16ae931b73c59d7e0c089c0"],
    ["abc", "a448017aaf21d8525fc10ae87aa6729d"],
    ["message digest", "d9130a8164549fe818874806e1c7014b"],
    [
      "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
      "e33b4ddc9c38f2199c3e7b164fcc0536",
    ],
  ])("compute MD4 of %j as in RFC 1320", (text, digest) => {
    expect(md4(Buffer.from(text)).toString("hex")).toBe(digest);
  });

  it("compute RC4 as in RFC 6229", () => {
    const stream = rc4(Buffer.from("0102030405", "hex"), Buffer.alloc(16));
    expect(stream.toString("hex")).toBe("b2396305f03dc027ccc3524a0a1118a8");
  });
});

describe("lab Exchange Basic authentication", () => {
  const path = "/Microsoft-Server-ActiveSync";

  it.each([ACCOUNT.address, "LAB\\probe-a", "probe-a", "lab\\PROBE-A"])(
    "accepts user name %s",
    async (username) => {
      const options = { method: "OPTIONS", headers: basic(ACCOUNT.password, username) };
      const { status, headers } = await httpsRequest(portOf(server, 443), path, options);
      expect(status).toBe(200);
      expect(headers["ms-asprotocolversions"]).toContain("14.1,16.0,16.1");
      expect(headers["ms-server-activesync"]).toBe("15.1");
      expect(headers["x-calculatedbetarget"]).toBe("ex01.lab.example.com");
    },
  );

  it("accepts a non-ASCII password and refuses a wrong one", async () => {
    const ask = async (headers: Record<string, string>) =>
      (await httpsRequest(portOf(server, 443), path, { method: "OPTIONS", headers })).status;
    expect(await ask(basic(SECOND_ACCOUNT.password, SECOND_ACCOUNT.address))).toBe(200);
    expect(await ask(basic("wrong"))).toBe(401);
    expect(organisation.signIns().map(({ accepted }) => accepted)).toEqual([true, false]);
  });

  it("is ignored when it is not offered", async () => {
    const options = { headers: basic() };
    expect((await httpsRequest(portOf(server, 443), "/mapi/emsmdb/", options)).status).toBe(401);
    expect(organisation.signIns()).toEqual([]);
  });
});

describe.skipIf(!hasProgram("curl", "curl"))(
  "lab Exchange NTLM with curl, without channel binding",
  () => {
    async function curl(path: string, ...args: string[]): Promise<string> {
      const { output } = await run("curl", [
        "--silent",
        "--http1.1",
        "--cacert",
        labCaFile(),
        "--connect-to",
        `mail.example.com:443:127.0.0.1:${portOf(server, 443)}`,
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_code}",
        ...args,
        `https://mail.example.com${path}`,
      ]);
      return output;
    }
    const ntlm = ["--ntlm", "--user", `LAB\\${ACCOUNT.username}:${ACCOUNT.password}`];

    it("accepts the right and rejects the wrong password", async () => {
      expect(await curl("/mapi/emsmdb/", ...ntlm)).toBe("200");
      expect(await curl("/mapi/emsmdb/", "--ntlm", "--user", `probe-a:wrong`)).toBe("401");
      expect(organisation.signIns()).toMatchObject([
        { protocol: "http", username: "probe-a", accepted: true },
        { protocol: "http", username: "probe-a", accepted: false },
      ]);
    });

    it("keeps the login for its connection only", async () => {
      const { output } = await run("curl", [
        "--silent",
        "--http1.1",
        "--cacert",
        labCaFile(),
        "--connect-to",
        `mail.example.com:443:127.0.0.1:${portOf(server, 443)}`,
        ...ntlm,
        "--write-out",
        "%{http_code} %{num_connects}\\n",
        "--output",
        "/dev/null",
        "https://mail.example.com/mapi/emsmdb/",
        "--output",
        "/dev/null",
        "https://mail.example.com/mapi/nspi/",
      ]);
      expect(output).toBe("200 1\n200 0\n");
      expect(organisation.signIns()).toHaveLength(1);
      expect((await httpsRequest(portOf(server, 443), "/mapi/nspi/")).status).toBe(401);
    });

    it.each([
      ["none", "200"],
      ["allow", "200"],
      ["require", "401"],
    ] as const)("with Extended Protection %s answers %s", async (mode, status) => {
      await server.set("mapi", { kind: "extended_protection", mode });
      expect(await curl("/mapi/emsmdb/", ...ntlm)).toBe(status);
    });
  },
);

const PYTHON = "/usr/bin/python3";
const hasRequestsNtlm =
  hasProgram(PYTHON, "python3") &&
  spawnSync(PYTHON, ["-c", "import requests_ntlm"], { stdio: "ignore" }).status === 0;
if (!hasRequestsNtlm && process.env["CI"] !== undefined) {
  throw new Error("requests_ntlm is missing: install the Debian package python3-requests-ntlm.");
}

describe.skipIf(!hasRequestsNtlm)(
  "lab Exchange NTLM with requests_ntlm, with channel binding",
  () => {
    const SCRIPT = `
import sys, requests, warnings
from requests_ntlm import HttpNtlmAuth
from cryptography.hazmat.backends import default_backend
default_backend()  # loads OpenSSL's legacy provider, where MD4 is
warnings.simplefilter("ignore")
url, user, password, cbt = sys.argv[1:]
auth = HttpNtlmAuth(user, password, send_cbt=cbt == "cbt")
print(requests.get(url, auth=auth, verify=False).status_code)
`;

    async function python(
      port: number,
      cbt: "cbt" | "no-cbt",
      password: string = ACCOUNT.password,
    ) {
      const url = `https://127.0.0.1:${port}/mapi/emsmdb/`;
      const { output } = await run(PYTHON, ["-c", SCRIPT, url, "LAB\\probe-a", password, cbt]);
      return output.trim();
    }

    it.each(["mail", "rsa", "sha384", "sha512"] as const)(
      "accepts a bound login with certificate %s when binding is required",
      async (name) => {
        await server.set("https", [
          { kind: "certificate", name },
          { kind: "extended_protection", mode: "require" },
        ]);
        expect(await python(portOf(server, 443), "cbt")).toBe("200");
      },
    );

    it("rejects a wrong password, and a login without binding when binding is required", async () => {
      await server.set("https", { kind: "extended_protection", mode: "require" });
      expect(await python(portOf(server, 443), "cbt", "wrong")).toBe("401");
      expect(await python(portOf(server, 443), "no-cbt")).toBe("401");
    });
  },
);
