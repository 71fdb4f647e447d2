import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { labCaFile } from "../../../support/lab-certificate-files.ts";

const run = promisify(execFile);

/** What curl saw. `status` 0 with an exit code when there was no answer. */
export interface CurlAnswer {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
  /** curl's exit status: 35 handshake, 52 empty reply, 56 reset … */
  readonly exit: number;
}

/** Runs curl with the lab's CA; no proxy, no configuration file, HTTP/1.1. */
export async function curl(...options: readonly string[]): Promise<CurlAnswer> {
  const base = [
    "-q",
    "--silent",
    "--noproxy",
    "*",
    "--http1.1",
    "--cacert",
    labCaFile(),
    "--include",
    "--max-time",
    "20",
  ];
  try {
    const { stdout } = await run("curl", [...base, ...options]);
    return parse(stdout, 0);
  } catch (error) {
    const { code, stdout } = error as { code: number; stdout: string };
    return parse(stdout, code);
  }
}

/** Options that send `https://name/` to a loopback port. */
export function connectTo(name: string, port: number): string[] {
  return ["--connect-to", `${name}::127.0.0.1:${String(port)}`];
}

function parse(output: string, exit: number): CurlAnswer {
  const blocks = output.split("\r\n\r\n");
  let at = 0;
  while (/^HTTP\/1\.1 1\d\d/.test(blocks[at] ?? "")) {
    at += 1;
  }
  const headers = blocks[at] ?? "";
  return {
    status: Number(/^HTTP\/1\.\d (\d{3})/.exec(headers)?.[1] ?? "0"),
    headers,
    body: blocks.slice(at + 1).join("\r\n\r\n"),
    exit,
  };
}
