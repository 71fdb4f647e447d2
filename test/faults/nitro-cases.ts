import { atLogin, toQuestions, type NitroJudged, type NitroWorld } from "./nitro.ts";

export interface NitroCase {
  readonly fault: string;
  readonly nodes: 1 | 2;
  readonly begin: (world: NitroWorld) => void;
  readonly expected: NitroJudged;
}

const page = (status: number) => ({ kind: "answer", status, body: "<html>no</html>" }) as const;
const NEVER = new Promise<void>(() => undefined);

/**
 * Nothing new: the last word is believed for three polls, then nothing, and then the first new word. So with credentials
 * that are refused after they have worked: they are tried again seldom, and four polls of this run are longer than that.
 */
function held(codes: string): NitroJudged {
  return { poll: "held", codes, opinion: "up", later: "unknown", after: "up" };
}
/** An answer without what the account may not read: known at once to be nothing, and asked for again after minutes. */
function blind(codes: string): NitroJudged {
  return { poll: "state", codes, opinion: "unknown", later: "unknown", after: "up" };
}
const UNHARMED: NitroJudged = { poll: "state", codes: "", opinion: "up", later: "up", after: "up" };

/** What the ADC's interface can do wrong, and what is made of it. */
export const NITRO_CASES: readonly NitroCase[] = [
  one("401 to every question", toQuestions(page(401)), held("http_401")),
  one("401 to every login", atLogin(page(401)), held("444 http_401")),
  one("wrong password", atLogin({ kind: "error", code: 354 }), held("444 354")),
  one("403 to every question", toQuestions(page(403)), blind("http_403")),
  one("no right to read (2138)", toQuestions({ kind: "error", code: 2138 }), blind("2138")),
  one("404 to every question", toQuestions(page(404)), held("http_404")),
  one("409 to every question", toQuestions(page(409)), held("http_409")),
  one("503 to every question", toQuestions(page(503)), held("http_503")),
  one("503: too many sessions (445)", atLogin({ kind: "error", code: 445 }), held("444 445")),
  one("599 to every question", toQuestions(page(599)), held("http_5xx")),
  one("599 with an error of NITRO's", toQuestions({ kind: "error", code: 278 }), held("278")),
  one("garbage with 200", toQuestions(page(200)), held("not_nitro")),
  one("an empty answer", toQuestions({ kind: "answer", status: 200, body: "" }), held("not_nitro")),
  one(
    "half an answer",
    toQuestions({ kind: "cut", body: '{ "errorcode": 0, "mess' }),
    held("reset"),
  ),
  one("a reset", toQuestions({ kind: "reset" }), held("reset")),
  one("slower than the time-out", toQuestions({ kind: "wait", until: NEVER }), held("timeout")),
  one("an answer without end", toQuestions({ kind: "endless" }), held("timeout")),
  one("the session expired", (world) => world.servers.forEach((each) => each.killSessions()), {
    ...UNHARMED,
    codes: "444",
  }),
  one(
    "the session expires at every question",
    toQuestions({ kind: "error", code: 444 }),
    held("444"),
  ),
  one(
    "nobody listens any more",
    (world) => void Promise.all(world.servers.map((each) => each.close())),
    {
      ...held("refused"),
      after: "unknown",
    },
  ),
  {
    fault: "HA failover in the middle of a poll",
    nodes: 2,
    begin: (world) => {
      let asked = 0;
      world.fault = ({ method }) => {
        asked += method === "GET" ? 1 : 0;
        if (asked === 4) {
          world.failOver();
          world.servers.forEach((each) => each.killSessions());
        }
        return null;
      };
    },
    expected: { ...UNHARMED, codes: "444" },
  },
  {
    fault: "split brain: both nodes are primary",
    nodes: 2,
    begin: (world) => world.split(),
    expected: { poll: "lost", codes: "", opinion: "unknown", later: "unknown", after: "unknown" },
  },
  one("a redirect of every question", toQuestions(page(307)), held("http_3xx")),
  one("a cluster: 1044 at login", atLogin({ kind: "warning", code: 1044 }), {
    ...UNHARMED,
    codes: "444",
  }),
  one("a cluster: no pair to tell of (477)", toRoles(477), { ...UNHARMED, codes: "other" }),
  one("a cluster: no HA there (2453)", toRoles(2453), { ...UNHARMED, codes: "other" }),
  one("an admin partition: 2760 to roles", toRoles(2760), { ...UNHARMED, codes: "other" }),
  one("an admin partition: 2761 to roles", toRoles(2761), { ...UNHARMED, codes: "other" }),
  one("an admin partition: 2772 to roles", toRoles(2772), { ...UNHARMED, codes: "other" }),
];

function toRoles(code: number): NitroCase["begin"] {
  return (world) => {
    world.fault = ({ query }) => (query.resource === "hanode" ? { kind: "error", code } : null);
  };
}

function one(fault: string, begin: NitroCase["begin"], expected: NitroJudged): NitroCase {
  return { fault, nodes: 1, begin, expected };
}
