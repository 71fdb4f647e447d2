import type { MaintenanceActions, WebSources } from "../sources.ts";
import {
  extendBody,
  maintenanceBody,
  noSuchWindowMessage,
  readEndRequest,
  readExtension,
  REPORTS,
  tooManyReports,
  toRequest,
  endLogFields,
  extendLogFields,
  declareLogFields,
} from "../api/maintenance.ts";
import { html, problem, reply, type BodyReply } from "../http/reply.ts";
import { createRateLimit } from "../web-config/load.ts";
import { get, type Call, type Route } from "../http/route.ts";
import type { LiveState } from "../../model/live.ts";
import { REPORT_POLICY, windowReportPage } from "./window-report-page.ts";
import { maintenancePage, type ServerChecks, type MaintenanceInput } from "./maintenance-page.ts";

/**
 * The maintenance page and its two forms. The token is a form field, not a cookie, so another site cannot make a browser send
 * it.
 */
export function maintenancePageRoutes(sources: WebSources): readonly Route[] {
  const path = "/maintenance";
  const reports = createRateLimit(() => performance.now());
  const page = async (
    message: MaintenanceInput["message"],
    server: string | null,
    status = 200,
  ): Promise<BodyReply> => {
    const live = sources.live();
    const checks = server === null ? null : await checkServer(server, live, sources);
    const isUnknown = server !== null && checks === null && status === 200;
    return html(
      maintenancePage({
        live,
        windows: sources.actions.maintenance?.list() ?? null,
        writable: sources.token() !== null,
        message,
        server,
        checks,
        estates: sources.estates(),
        version: sources.version,
      }),
      isUnknown ? 404 : status,
    );
  };
  return [
    get(path, ({ url }) => {
      const server = url.searchParams.get("server");
      return page(null, server === "" ? null : server);
    }),
    get(`${path}/report`, async ({ url }) => {
      const name = url.searchParams.get("name") ?? "";
      if (!reports.pass(REPORTS, "unknown")) {
        return tooManyReports();
      }
      const report = (await sources.actions.maintenance?.report(name)) ?? null;
      const headers = { "content-security-policy": REPORT_POLICY };
      return report === null
        ? problem(404, noSuchWindowMessage(name))
        : reply(200, "text/html; charset=utf-8", windowReportPage(report, "UTC"), headers);
    }),
    {
      method: "POST",
      path,
      access: "form",
      body: null,
      answer: null,
      handle: async (call) => {
        const { maintenance } = sources.actions;
        const token = sources.token();
        const form = readForm(call);
        if (form === null) {
          return problem(415, "Expected a form.");
        }
        if (maintenance === null || token === null) {
          return page({ ok: false, text: "Changes are disabled on this page." }, null, 403);
        }
        const fits = call.checkToken(form.get("token") ?? "");
        if (fits !== "yes") {
          return fits === "no"
            ? page({ ok: false, text: "Wrong token." }, null, 403)
            : page({ ok: false, text: "Too many wrong tokens; try again later." }, null, 429);
        }
        const done =
          form.get("action") === "end"
            ? await end(maintenance, form)
            : form.get("action") === "extend"
              ? await extend(maintenance, form)
              : await start(maintenance, form, sources.now());
        const about = sources.live().members.find(({ server }) => server === form.get("servers"));
        const answer = await page(done, about?.server ?? null, done.ok ? 200 : 400);
        return { ...answer, logFields: done.logFields };
      },
    },
  ];
}

/** Current state of a server; null if no ADC has it or the agent has no store. */
async function checkServer(
  server: string,
  live: LiveState,
  sources: WebSources,
): Promise<ServerChecks | null> {
  const { maintenance } = sources.actions;
  const members = live.members.filter((one) => one.server === server);
  if (maintenance === null || members.length === 0) {
    return null;
  }
  const [preflight, drained, returned] = await Promise.all([
    maintenance.preflight(server, { minCapacity: null, horizonMs: null }),
    maintenance.verify(server, "drained"),
    maintenance.verify(server, "returned"),
  ]);
  return { preflight, drained, returned, timelines: members.map(sources.history.memberTimeline) };
}

type FormResult = NonNullable<MaintenanceInput["message"]> & {
  readonly logFields?: BodyReply["logFields"];
};

async function start(
  maintenance: MaintenanceActions,
  form: URLSearchParams,
  now: number,
): Promise<FormResult> {
  const text = (name: string): string | undefined => {
    const value = form.get(name)?.trim();
    return value === "" ? undefined : value;
  };
  const servers = (text("servers") ?? "").split(",").map((server) => server.trim());
  const parsed = maintenanceBody.safeParse({
    name: text("name"),
    servers: servers.filter((server) => server !== ""),
    for: text("for"),
    reason: text("reason"),
    author: text("author"),
    auto_end: form.get("auto_end") === "yes",
  });
  if (!parsed.success) {
    return { ok: false, text: "Give at least one server and a duration." };
  }
  const read = toRequest(parsed.data, maintenance.list(), now);
  if (read.kind === "bad") {
    return { ok: false, text: read.message };
  }
  const result = await maintenance.start(read.request, read.force);
  const logFields = declareLogFields(read.request);
  return result.kind === "done"
    ? { ok: true, text: `Declared: ${result.window.name}.`, logFields }
    : { ok: false, text: result.message, logFields };
}

async function extend(maintenance: MaintenanceActions, form: URLSearchParams): Promise<FormResult> {
  const parsed = extendBody.safeParse({ name: form.get("name"), for: form.get("for") });
  const extension = parsed.success ? readExtension(parsed.data) : null;
  if (!parsed.success || extension === null) {
    return { ok: false, text: "Give the name of the window, and how much longer: 1h." };
  }
  const result = await maintenance.extend(parsed.data.name, extension);
  const logFields = extendLogFields(parsed.data);
  return result.kind === "done"
    ? { ok: true, text: `Extended: ${result.window.name}.`, logFields }
    : { ok: false, text: result.message, logFields };
}

async function end(maintenance: MaintenanceActions, form: URLSearchParams): Promise<FormResult> {
  const ending = readEndRequest(form);
  if (ending === null) {
    return { ok: false, text: "Give the name of the window to end." };
  }
  const result = await maintenance.end(ending.name, ending.author);
  const logFields = endLogFields(ending);
  return result.kind === "done"
    ? { ok: true, text: `Ended: ${result.window.name}.`, logFields }
    : { ok: false, text: result.message, logFields };
}

function readForm(call: Call): URLSearchParams | null {
  return /^application\/x-www-form-urlencoded\b/i.test(call.headers["content-type"] ?? "")
    ? new URLSearchParams(call.body.toString("utf8"))
    : null;
}
