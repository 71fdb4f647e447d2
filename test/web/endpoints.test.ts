import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import {
  aLargeEstate,
  aLiveState,
  aMember,
  anObservation,
  aProbe,
  maintenanceHour,
} from "../support/live-state.ts";
import { compareJson, type CompareJson } from "../../src/web/api/verdicts.ts";
import { serve } from "./support.ts";

describe("/metrics", () => {
  test("sends text by default, OpenMetrics when asked for, and gzip when accepted", async () => {
    const web = await serve(maintenanceHour());
    const text = await web.get("/metrics");
    expect(text.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(text.text).toContain("# TYPE adc_witness_mismatch_seconds_total counter");
    const open = await web.get("/metrics", {
      accept: "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
      "accept-encoding": "gzip",
    });
    expect(open.headers["content-type"]).toContain("application/openmetrics-text; version=1.0.0");
    expect(open.headers["content-encoding"]).toBe("gzip");
    expect(gunzipSync(open.body).toString()).toMatch(/# EOF\n$/);
  });
});

describe("/api/v1/verdicts", () => {
  test("is what compare prints, with an ETag", async () => {
    const live = maintenanceHour();
    const web = await serve(live);
    const answer = await web.get("/api/v1/verdicts");
    expect(answer.json).toEqual(JSON.parse(JSON.stringify(compareJson(live))));
    expect(answer.headers["cache-control"]).toBe("no-cache");
    const etag = answer.headers.etag ?? "";
    expect((await web.get("/api/v1/verdicts", { "if-none-match": etag })).status).toBe(304);
    expect((await web.get("/api/v1/verdicts", { "if-none-match": `W/${etag}` })).status).toBe(304);
    expect((await web.get("/api/v1/verdicts", { "if-none-match": '"else"' })).status).toBe(200);
  });

  test("names what the ADC is wrong about", async () => {
    const web = await serve(maintenanceHour());
    const { rows, vservers, summary } = (
      await web.get("/api/v1/verdicts?verdict=routes_to_maintenance")
    ).json as CompareJson;
    expect(rows).toEqual([
      {
        adc: "prod",
        vserver: "v_imap",
        vservers: ["v_imap"],
        adc_service: "svc_imap",
        server: "ex02",
        address: "192.0.2.12",
        port: 143,
        monitor: "imap_greeting",
        monitors: [
          {
            monitor: "tcp",
            vantage: "backend",
            opinion: "up",
            step: "response",
            reason: "ok",
            held_back: null,
          },
          {
            monitor: "imap_greeting",
            vantage: "backend",
            opinion: "down",
            step: "banner",
            reason: "closed_without_data",
            held_back: null,
          },
        ],
        opinions: { adc: "up", replica: "up", service: "down" },
        depth: { adc: "reach", replica: "reach", service: "greeting" },
        adc_since: "2026-11-22T11:00:00.000Z",
        away_since: null,
        unknown_by_configuration: false,
        adc_last_response: "Success - Pattern found in response.",
        verdict: "routes_to_maintenance",
        step: "banner",
        reason: "closed_without_data",
        since: "2026-11-22T11:58:58.000Z",
      },
    ]);
    expect([vservers, summary]).toEqual([[], { routes_to_maintenance: 1 }]);
  });

  test("can be filtered and paged", async () => {
    const web = await serve(aLargeEstate({ members: 120, monitors: 1 }));
    const servers: string[] = [];
    let path: string | null = "/api/v1/verdicts?adc=prod&limit=50";
    while (path !== null) {
      const answer = await web.get(path);
      servers.push(...(answer.json as CompareJson).rows.map((row) => row.server));
      expect(answer.headers["x-total-count"]).toBe("120");
      path = /^<([^>]+)>; rel="next"$/.exec(String(answer.headers["link"] ?? ""))?.[1] ?? null;
    }
    expect(new Set(servers).size).toBe(120);
    expect(servers).toHaveLength(120);
    const one = (await web.get("/api/v1/verdicts?server=exchange-00007.example.com"))
      .json as CompareJson;
    expect(one.rows).toHaveLength(1);
    expect(one.vservers.map(({ vserver }) => vserver)).toEqual(["v_exchange_https_0"]);
  });

  test.each(["limit=0", "limit=-1", "limit=x", "offset=1.5", "limit=9999999999"])(
    "answers 400 to ?%s",
    async (query) => {
      const web = await serve(aLiveState());
      expect((await web.get(`/api/v1/verdicts?${query}`)).status).toBe(400);
    },
  );
});

describe("/api/v1/evidence", () => {
  test("shows the last runs of a member's probes", async () => {
    const web = await serve(maintenanceHour());
    const { json } = await web.get("/api/v1/evidence?server=ex02&port=143");
    expect(json).toMatchObject({
      probes: [
        { monitor: "tcp", transaction: null, passed: true },
        {
          monitor: null,
          transaction: "imap_greeting",
          passed: false,
          last_success: null,
          last_failure: { outcome: "failed", step: "banner", reason: "closed_without_data" },
        },
      ],
    });
  });

  test("shows one probe by its id, with its TLS facts", async () => {
    const web = await serve(maintenanceHour());
    const id = encodeURIComponent("prod/v_owa/mon_owa/vip");
    expect((await web.get(`/api/v1/evidence?id=${id}`)).json).toMatchObject({
      probes: [
        { vserver: "v_owa", last: { tls: { verification: "ok", chain: [{ serial: "01" }] } } },
      ],
    });
  });
});

describe("/api/v1/estate", () => {
  test("shows what was imported, with secrets masked", async () => {
    const conf = [
      "add server ex01 192.0.2.11",
      "add lb monitor m_pop POP3 -userName itest -password geheim -LRTM DISABLED",
      "add service s_pop ex01 TCP 110",
      "bind lb monitor m_pop s_pop",
      "add lb vserver v_pop TCP 192.0.2.100 110",
      "bind lb vserver v_pop s_pop",
      "add authentication vserver aaa SSL 192.0.2.101 443",
      "add lb vserver v_owa SSL 192.0.2.102 443 -authn401 ON -authnVsName aaa",
    ].join("\n");
    const estate = parseNsConf(conf, { adc: "prod" });
    const web = await serve(aLiveState(), { estates: () => [estate] });
    const { json, text } = await web.get("/api/v1/estate");
    expect(json).toMatchObject({
      adcs: [
        {
          adc: "prod",
          vservers: [
            { vserver: "v_pop", kind: "lb", services: ["s_pop"], login_at: null },
            { vserver: "v_owa", kind: "lb", login_at: "aaa" },
            { vserver: "aaa", kind: "aaa", address: "192.0.2.101", port: 443 },
          ],
          services: [{ adc_service: "s_pop", members: [{ server: "ex01", port: 110 }] }],
        },
      ],
    });
    expect(text).not.toContain("geheim");
    expect((await web.get("/api/v1/estate?adc=other")).json).toEqual({ adcs: [] });
  });
});

describe("/-/ready", () => {
  const ready = async (live: Parameters<typeof serve>[0]) => {
    const answer = await (await serve(live)).get("/-/ready");
    return [
      answer.status,
      answer.status === 200 ? "ready" : (answer.json as { detail: string }).detail,
    ];
  };
  const silent = aProbe({ last: null, opinion: "unknown" });

  test("waits for an estate", async () => {
    expect(await ready(aLiveState())).toEqual([503, "no estate imported yet"]);
  });

  test("waits for every replica that is due within a minute", async () => {
    const members = [aMember()];
    const probes = [aProbe(), silent];
    expect(await ready(aLiveState({ members, probes }))).toEqual([
      503,
      "1 of 2 replicas have no opinion yet",
    ]);
  });

  test("does not wait for slow monitors, transactions or probes that failed by a fault of our own", async () => {
    const fault = {
      ...anObservation(),
      outcome: "fault",
      reason: "agent_path",
      step: "connect",
    } as const;
    const probes = [
      aProbe({ ...silent, intervalMs: 120_000 }),
      aProbe({ ...silent, kind: "transaction", transaction: "imap_greeting" }),
      aProbe({ opinion: "unknown", last: fault }),
    ];
    expect(await ready(aLiveState({ members: [aMember()], probes }))).toEqual([200, "ready"]);
  });
});

describe("HTTP pages", () => {
  test("answer an unknown path with a page to a browser and with a problem to a program", async () => {
    const web = await serve(maintenanceHour());
    const page = await web.get("/nosuch", { accept: "text/html,*/*" });
    expect([page.status, page.headers["content-type"]]).toEqual([404, "text/html; charset=utf-8"]);
    expect(page.text).toContain("No resource at this path.");
    for (const [path, accept] of [
      ["/nosuch", "*/*"],
      ["/api/v1/nosuch", "text/html"],
    ] as const) {
      const { headers } = await web.get(path, { accept });
      expect([path, headers["content-type"]]).toEqual([path, "application/problem+json"]);
    }
  });

  test("may be framed only as the embed view", async () => {
    const web = await serve(maintenanceHour());
    for (const [path, who] of [
      ["/", "'none'"],
      ["/?wall", "'none'"],
      ["/?embed", "*"],
    ] as const) {
      const { headers } = await web.get(path);
      expect(headers["content-security-policy"]).toContain(`frame-ancestors ${who}`);
    }
    expect((await web.get("/?embed")).text).not.toContain("<form");
  });

  test("escape every name", async () => {
    const server = `<script>alert("1")</script>'\``;
    const web = await serve(aLiveState({ members: [aMember({ server, vservers: [server] })] }));
    const { text } = await web.get("/");
    expect(text).not.toContain("<script>alert");
    expect(text).toContain("&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#39;&#96;");
  });

  test("show under /config the masked text and nothing more", async () => {
    const web = await serve(aLiveState());
    const { text, headers } = await web.get("/config");
    expect([text, headers["content-type"]]).toEqual(["agent: dc1\n", "text/plain; charset=utf-8"]);
  });
});
