import { describe, expect, onTestFinished, test } from "vitest";
import type { NitroFaultHook } from "../../../lab/nitro/faults.ts";
import { startNitroServer } from "../../../lab/nitro/server.ts";
import type { NitroClient } from "../../../src/adc/nitro/client.ts";
import { importEstate, type ImportResult } from "../../../src/adc/nitro/import.ts";
import { IMPORT_STEPS } from "../../../src/adc/nitro/pull-plan.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import { CREDENTIALS, labClient } from "./lab-client.ts";
import { steadyBackend } from "./steady-backend.ts";

/** Something bound everywhere, so that every resource is asked for. */
const ESTATE = parseNsConf(
  `add server ex01 192.0.2.11
   add service svc_imap ex01 TCP 143
   add serviceGroup sg_web SSL
   bind serviceGroup sg_web ex01 443
   add lb vserver v_imap TCP 192.0.2.1 143
   add lb vserver v_web SSL
   add cs vserver cs_web SSL 192.0.2.2 443
   bind lb vserver v_imap svc_imap
   bind lb vserver v_web sg_web
   bind cs vserver cs_web -lbvserver v_web
   bind service svc_imap -monitorName tcp
   bind serviceGroup sg_web -monitorName https`,
  { adc: "prod" },
);
const ESSENTIAL: ReadonlySet<string> = new Set(
  IMPORT_STEPS.flatMap(({ resource, essential }) => (essential === true ? [resource] : [])),
);

interface Appliance {
  readonly client: NitroClient;
  readonly importNow: () => Promise<ImportResult>;
  faults: NitroFaultHook;
}

async function appliance(): Promise<Appliance> {
  const clock = { now: 0 };
  const self: { faults: NitroFaultHook } = { faults: () => null };
  const server = await startNitroServer(steadyBackend(ESTATE), {
    ...CREDENTIALS,
    maxSessions: 100_000,
    faults: (request) => self.faults(request),
  });
  const client = labClient(server.url, { monotonic: () => clock.now });
  onTestFinished(async () => {
    self.faults = () => null;
    await client.close();
    await server.close();
  });
  const wait = (ms: number): Promise<void> => {
    clock.now += ms;
    return Promise.resolve();
  };
  return Object.assign(self, {
    client,
    importNow: () => {
      clock.now += 1_000_000;
      return importEstate(client, { adc: "prod", wait });
    },
  });
}

describe("resource that is not essential", () => {
  test("import › is a gap when its answer never ends, breaks off or is no JSON", async () => {
    const lab = await appliance();
    for (const fault of [
      { kind: "reset" },
      { kind: "cut", body: '{"errorcode": 0, "mess' },
      { kind: "answer", status: 200, body: "" },
    ] as const) {
      lab.faults = ({ query }) => (query.resource === "sslcertkey" ? fault : null);
      expect(await lab.importNow()).toMatchObject({
        kind: "estate",
        gaps: [{ resource: "sslcertkey", blinds: false }],
      });
    }
  });

  test("import › reports a gap with node, resource, code, words and what is not watched", async () => {
    const lab = await appliance();
    lab.faults = ({ query }) =>
      query.resource === "csvserver"
        ? { kind: "error", code: 2763, message: "This feature does not support partitioning" }
        : null;
    const result = await lab.importNow();
    expect(result.kind === "estate" && result.estate.diagnostics).toContainEqual({
      severity: "warning",
      rule: "nitro_gap",
      line: null,
      object: "csvserver",
      message:
        `prod: ${lab.client.node} does not return csvserver (This feature does not support partitioning ` +
        "[2763], code 2763). Not watched: content switching vservers.",
    });
  });
});

test.each([
  [2470, "authenticationvserver", []],
  [2649, "authenticationauthnprofile", []],
  [2650, "tmsessionparameter", []],
  [2650, "sslcertkey", ["sslcertkey"]],
])(
  "import › has AAA's own resources refused with %i (%s) as gaps only when they matter",
  async (code, resource, gaps) => {
    const lab = await appliance();
    lab.faults = ({ query }) =>
      query.resource === resource
        ? { kind: "error", code, message: "Feature(s) not enabled" }
        : null;
    const result = await lab.importNow();
    expect(result.kind === "estate" && result.gaps.map((gap) => gap.resource)).toEqual(gaps);
  },
);

describe("essential resource", () => {
  test.each([...ESSENTIAL])(
    "import › ends with node, resource and code when %s is refused",
    async (resource) => {
      const lab = await appliance();
      lab.faults = ({ query }) =>
        query.resource === resource
          ? { kind: "error", code: 1043, message: "Internal error" }
          : null;
      expect(await lab.importNow()).toEqual({
        kind: "failed",
        code: "1043",
        message: `${lab.client.node}, ${resource}: Internal error [1043]`,
        words: "Internal error [1043]",
      });
    },
  );
});
