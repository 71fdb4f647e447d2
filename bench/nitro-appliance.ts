import { startNitroServer } from "../lab/nitro/server.ts";
import { parseNsConf } from "../src/adc/nsconf/import.ts";
import { ownOptions } from "./options.ts";
import { NITRO_ACCOUNT, nitroConf } from "./nitro-conf.ts";

/** The lab's NITRO in a separate process: an appliance whose members are all up, except those given as out. */
const {
  groups,
  members: membersOfGroup,
  "out-groups": outGroups,
} = ownOptions({
  command: "node dist/bench/nitro-appliance.js",
  about: "An appliance for nitro-poll, which starts it.",
  options: {
    groups: { kind: "number", usual: 100, about: "service groups" },
    members: { kind: "number", usual: 50, about: "members of each group" },
    "out-groups": { kind: "number", usual: 0, about: "groups with a member out of service" },
  },
});
const estate = parseNsConf(nitroConf(groups, membersOfGroup), { adc: "bench" });

const server = await startNitroServer(
  {
    estate: () => estate,
    nodes: () => [
      {
        name: "ns1",
        address: "192.0.2.1",
        role: "Primary",
        masterState: "PRIMARY",
        health: "UP",
      },
    ],
    vserver: () => ({
      state: "UP",
      effectiveState: "UP",
      healthPercent: 100,
      backupActive: false,
      totalServices: membersOfGroup,
      activeServices: membersOfGroup,
      remark: null,
      clientConnections: 0,
      sinceChangeMs: 60_000,
    }),
    persistence: () => [],
    member: ({ adcService, server: name }) => ({
      state: Number(adcService.slice(2)) < outGroups && name === "ex0" ? "OUT OF SERVICE" : "UP",
      trofsReason: null,
      clientConnections: 3,
      serverConnections: 3,
      sinceChangeMs: 60_000,
    }),
    monitor: () => ({
      state: "UP",
      lastResponse: "Success - Pattern found in response.",
      responseTimeMs: 0.5,
      totalProbes: 100,
      failedProbes: 0,
      currentFailedProbes: 0,
    }),
  },
  NITRO_ACCOUNT,
);
process.send?.(server.url);
process.on("message", () => {
  const paths = server.requests.map(({ path }) => path);
  process.send?.({
    requests: paths.length,
    statistics: paths.filter((path) => path.includes("/nitro/v1/stat/service")).length,
  });
});
process.once("disconnect", () => {
  process.exit();
});
