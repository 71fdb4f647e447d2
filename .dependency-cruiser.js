import { readFileSync } from "node:fs";

/** Lowest first; docs/dev/architecture.md has its table from the same file. */
const { rooms: ROOMS } = JSON.parse(readFileSync(new URL("house.json", import.meta.url), "utf8"));

/** A room may import only from those before it in the list, and from nothing of the repository beside `src`. */
const roomRules = ROOMS.map(({ room }, index) => ({
  name: `${room}-imports-only-what-is-below-it`,
  severity: "error",
  comment: "See the list of rooms in house.json.",
  from: { path: `^src/${room}/` },
  to: {
    path: "^(src|test|bench|lab|docs|dashboards|alerts)/",
    pathNot: [
      `^src/(${ROOMS.slice(0, index + 1)
        .map((one) => one.room)
        .join("|")})/`,
      // The demo and `lint --matrix` ship the lab.
      ...(room === "cli" ? ["^lab/"] : []),
    ],
  },
}));

export default {
  forbidden: [
    ...roomRules,
    {
      name: "no-circle",
      severity: "error",
      comment: "Types included: a reader's circle is one too.",
      from: {},
      to: { circular: true },
    },
    {
      name: "sockets-and-processes-only-in-net",
      severity: "error",
      comment: "Everything that leaves this process is dialled in one room.",
      from: {
        path: "^src/",
        pathNot: [
          "^src/net/",
          // Only `isIP` and its kin.
          "^src/lib/ip\\.ts$",
          // Only `checkServerIdentity`.
          "^src/adc/nitro/transport\\.ts$",
          // Servers, not clients: they accept connections.
          "^src/web/(http|web-config)/",
        ],
      },
      to: {
        path: "^(node:)?(net|tls|dgram|dns|child_process)(/|$)",
        dependencyTypesNot: ["type-only"],
      },
    },
    {
      name: "every-room-is-listed",
      severity: "error",
      from: {},
      to: { path: "^src/", pathNot: `^src/(${ROOMS.map((one) => one.room).join("|")})/` },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: { extensions: [".ts", ".js"] },
  },
};
