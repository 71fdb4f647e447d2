import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { documentedFields } from "../../lab/nitro/documented-rows.ts";
import { startNitroServer, type NitroServer } from "../../lab/nitro/server.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { memberKey } from "../../src/model/adc-state.ts";
import { steadyBackend } from "../adc/nitro/steady-backend.ts";

const ESTATE = parseNsConf(
  `add server ex01 192.0.2.11
   add server ex02 ex02.example.com
   add service svc_imap ex01 TCP 143
   add serviceGroup sg_web SSL
   bind serviceGroup sg_web ex01 443
   bind serviceGroup sg_web ex02 443
   bind serviceGroup sg_web -monitorName https
   add lb vserver v_imap TCP 192.0.2.1 143
   add lb vserver v_web SSL
   add cs vserver cs_web SSL 192.0.2.2 443
   add ssl certKey mail -cert mail.pem
   bind lb vserver v_imap svc_imap
   bind lb vserver v_web sg_web
   bind cs vserver cs_web -lbvserver v_web`,
  { adc: "prod" },
);

/** Plain ASCII: the first generation sends it in a header. */
const CREDENTIALS = { username: "monitor", password: "s3cret" };

type Json = Readonly<Record<string, unknown>>;
let server: NitroServer;

beforeAll(async () => {
  const backend = steadyBackend(ESTATE);
  backend.set.members.set(memberKey("sg_web", "ex02", 443), { state: "DOWN" });
  server = await startNitroServer(backend, CREDENTIALS);
});

afterAll(() => server.close());

/** The first generation of check_netscaler (Perl): no session, credentials in headers of NITRO's own. */
async function firstGeneration(path: string): Promise<Json> {
  const answer = await fetch(`${server.url}/nitro/v1/${path}`, {
    headers: {
      "x-nitro-user": CREDENTIALS.username,
      "x-nitro-pass": CREDENTIALS.password,
    },
  });
  const json = (await answer.json()) as Json;
  expect([path, answer.status, json["errorcode"]]).toEqual([path, 200, 0]);
  return json;
}

/** The second (Python), and the vendor's exporter: a login, then its cookie; 404, 403 and any other error are told apart. */
async function withSession<T>(
  use: (get: (path: string) => Promise<Json>) => Promise<T>,
): Promise<T> {
  const login = await fetch(`${server.url}/nitro/v1/config/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ login: CREDENTIALS }),
  });
  expect(((await login.json()) as Json)["errorcode"]).toBe(0);
  const cookie = login.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const get = async (path: string): Promise<Json> => {
    const answer = await fetch(`${server.url}/nitro/v1/${path}`, { headers: { cookie } });
    const json = (await answer.json()) as Json;
    return { status: answer.status, ...json };
  };
  try {
    return await use(get);
  } finally {
    await fetch(`${server.url}/nitro/v1/config/logout`, {
      method: "POST",
      headers: { cookie },
      body: '{"logout":{}}',
    });
  }
}

function rows(json: Json, resource: string): readonly Json[] {
  const found = json[resource];
  return Array.isArray(found) ? (found as Json[]) : found === undefined ? [] : [found as Json];
}

function numbers(row: Json | undefined, fields: readonly string[]): readonly string[] {
  return fields.filter((field) => !Number.isFinite(Number.parseFloat(String(row?.[field]))));
}

describe("lab NITRO with check_netscaler", () => {
  test("first generation reads states, certificates, hardware, HA and configuration", async () => {
    const states = rows(await firstGeneration("stat/lbvserver"), "lbvserver");
    expect(states.map(({ name, state }) => [name, state])).toEqual([
      ["v_imap", "UP"],
      ["v_web", "UP"],
    ]);
    expect(rows(await firstGeneration("stat/service/svc_imap"), "service")).toMatchObject([
      { name: "svc_imap", state: "UP" },
    ]);
    expect(
      rows(await firstGeneration("config/server"), "server").map(({ state }) => state),
    ).toEqual(["ENABLED", "ENABLED"]);
    const [certificate] = rows(await firstGeneration("config/sslcertkey"), "sslcertkey");
    expect(certificate).toHaveProperty("certkey", "mail");
    const [hardware] = rows(await firstGeneration("config/nshardware"), "nshardware");
    expect(
      numbers(hardware, [
        "sysid",
        "manufactureyear",
        "manufacturemonth",
        "manufactureday",
        "cpufrequncy",
      ]),
    ).toEqual([]);
    expect(hardware).toMatchObject({
      hwdescription: expect.any(String) as unknown,
      serialno: expect.any(String) as unknown,
    });
    expect(rows(await firstGeneration("config/nsversion"), "nsversion")[0]?.["version"]).toMatch(
      /^NetScaler NS13\.1: Build /,
    );
    expect(rows(await firstGeneration("config/nsconfig"), "nsconfig")[0]?.["configchanged"]).toBe(
      false,
    );
    expect(rows(await firstGeneration("stat/hanode"), "hanode")[0]).toMatchObject({
      hacurmasterstate: "PRIMARY",
    });
    expect(rows(await firstGeneration("config/systemuser"), "systemuser")[0]).toMatchObject({
      username: "nsroot",
    });
    const [features] = rows(await firstGeneration("config/nsfeature"), "nsfeature");
    expect(features).toMatchObject({
      lb: true,
      cs: true,
      ssl: true,
      gslb: false,
      feature: ["LB", "SSL", "CS"],
    });
  });

  test("second generation reads a service group's health and its members", async () => {
    await withSession(async (get) => {
      const [group] = rows(await get("config/servicegroup/sg_web"), "servicegroup");
      expect(group).toMatchObject({
        state: "ENABLED",
        servicegroupeffectivestate: "PARTIAL-UP",
        monstate: "ENABLED",
        healthmonitor: "YES",
      });
      const binding = "servicegroup_servicegroupmember_binding";
      const members = rows(await get(`config/${binding}/sg_web`), binding);
      expect(members).toMatchObject([
        {
          servername: "ex01",
          state: "ENABLED",
          svrstate: "UP",
          ip: "192.0.2.11",
          servicetype: "SSL",
        },
        {
          servername: "ex02",
          state: "ENABLED",
          svrstate: "DOWN",
          ip: "0.0.0.0",
          servicetype: "SSL",
        },
      ]);
      expect(await get("config/servicegroup/none")).toMatchObject({ status: 404 });
    });
  });

  test("shows the state of services and vservers by name, not in lists", async () => {
    await withSession(async (get) => {
      for (const [resource, name] of [
        ["service", "svc_imap"],
        ["lbvserver", "v_web"],
        ["csvserver", "cs_web"],
      ] as const) {
        expect(rows(await get(`config/${resource}`), resource)[0]).not.toHaveProperty("state");
        expect(rows(await get(`config/${resource}/${name}`), resource)[0]).toHaveProperty(
          "state",
          "ENABLED",
        );
      }
    });
  });

  test("lists built-in monitors and aggregates everything bound", async () => {
    await withSession(async (get) => {
      const monitors = rows(await get("config/lbmonitor"), "lbmonitor").map(
        ({ monitorname }) => monitorname,
      );
      expect(monitors.length).toBeGreaterThanOrEqual(25);
      expect(monitors).toContain("ldns-dns");
      expect(rows(await get("config/lbvserver_binding/v_web"), "lbvserver_binding")).toMatchObject([
        {
          name: "v_web",
          lbvserver_servicegroup_binding: [{ servicegroupname: "sg_web" }],
          lbvserver_servicegroupmember_binding: [{}, {}],
        },
      ]);
      expect(rows(await get("config/service_binding/svc_imap"), "service_binding")).toMatchObject([
        { name: "svc_imap", service_lbmonitor_binding: [{ monitor_name: "tcp-default" }] },
      ]);
    });
  });

  test("refuses an undocumented field", async () => {
    await withSession(async (get) => {
      expect(await get("config/lbvserver?attrs=name,moonphase")).toMatchObject({ errorcode: 278 });
      expect(await get("config/lbvserver?attrs=name,curstate")).toMatchObject({ errorcode: 0 });
    });
  });
});

describe("lab NITRO with the vendor's exporter", () => {
  /** Of each entity that it asks for by default: some of the fields that it makes metrics of. */
  const METRICS: Readonly<Record<string, readonly string[]>> = {
    lbvserver:
      "tothits totalrequests totalresponses totalpktssent curclntconnections cursrvrconnections surgecount actsvcs inactsvcs requestsrate hitsrate establishedconn totspillovers totalsvrbusyerr".split(
        " ",
      ),
    csvserver:
      "tothits totalrequests totalresponses curclntconnections cursrvrconnections requestsrate hitsrate deferredreq".split(
        " ",
      ),
    service:
      "throughput avgsvrttfb totalrequests totalresponses curclntconnections surgecount cursrvrconnections svrestablishedconn maxclients vsvrservicehits activetransactions".split(
        " ",
      ),
    system: "cpuusagepcnt mgmtcpuusagepcnt memusagepcnt numcpus".split(" "),
    ssl: "ssltottransactions sslsessionsrate".split(" "),
    protocolhttp: "httptotrequests httptotresponses httprequestsrate".split(" "),
    protocoltcp: "tcptotrxpkts tcpcurclientconn tcpcurserverconn".split(" "),
    protocolip: "iptotrxpkts iptottxpkts".split(" "),
    Interface: "totrxbytes tottxbytes errdroppedrxpkts".split(" "),
    sslvserver: "sslctxtotencbytes sslctxtothwencbytes".split(" "),
  };

  test.each(Object.entries(METRICS))(
    "gives numbers for all metric fields of %s",
    async (entity, fields) => {
      await withSession(async (get) => {
        const answer = await get(`stat/${entity}`);
        expect(answer).toMatchObject({ status: 200, errorcode: 0 });
        const told = rows(answer, entity);
        expect(told.length).toBeGreaterThan(0);
        expect(told.flatMap((row) => numbers(row, fields))).toEqual([]);
      });
    },
  );

  test("lists service group members with statbindings as group?server?port", async () => {
    await withSession(async (get) => {
      const groups = rows(await get("stat/servicegroup"), "servicegroup");
      expect(groups.map(({ servicegroupname }) => servicegroupname)).toEqual(["sg_web"]);
      const [group] = rows(await get("stat/servicegroup/sg_web?statbindings=yes"), "servicegroup");
      const members = rows(group ?? {}, "servicegroupmember");
      expect(members.map(({ servicegroupname }) => String(servicegroupname).split("?")[1])).toEqual(
        ["ex01", "ex02"],
      );
      expect(
        members.flatMap((row) =>
          numbers(row, ["totalrequests", "avgsvrttfb", "cursrvrconnections"]),
        ),
      ).toEqual([]);
    });
  });

  test("filters by a pattern and chosen fields", async () => {
    await withSession(async (get) => {
      const answer = await get("config/lbvserver?filter=name:%2f^v_w%2f&attrs=name,comment");
      expect(rows(answer, "lbvserver")).toEqual([{ name: "v_web" }]);
    });
  });
});

describe("documented fields", () => {
  test.each([
    ["lbvserver", 120],
    ["csvserver", 80],
    ["service", 60],
    ["servicegroup", 55],
    ["lbmonitor", 95],
  ])("of %s are more than %i, and rows carry them", async (resource, least) => {
    expect(documentedFields("config", resource, 13)?.length).toBeGreaterThan(least);
    const [row] = rows(await firstGeneration(`config/${resource}`), resource);
    expect(Object.keys(row ?? {}).length).toBeGreaterThan(least / 3);
  });

  test.each([
    ["lbmonitor", "grpchealthcheck", [10, 11, 12, 13], [14]],
    ["lbmonitor", "mqttversion", [10, 11, 12], [13, 14]],
    ["lbvserver", "redirectfromport", [10], [11, 12, 13, 14]],
    ["sslprofile", "sslinterception", [10, 11], [12, 13, 14]],
    ["gslbvserver", "toggleorder", [10, 11, 12, 13], [14]],
    ["lbvserver", "curstate", [], [10, 11, 12, 13, 14]],
  ])("include %s.%s only for firmware that documents it", (resource, field, not, told) => {
    const knows = (firmware: number): boolean =>
      documentedFields("config", resource, firmware)?.includes(field) === true;
    expect([not.filter(knows), told.filter(knows)]).toEqual([[], told]);
  });
});
