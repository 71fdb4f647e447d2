import type { MaintenanceActions } from "../actions.ts";
import { maintenanceBody, toRequest } from "../api/maintenance.ts";
import { tokensMatch } from "../http/doors.ts";
import { html, problem, type Reply } from "../http/reply.ts";
import type { Call, Route } from "../http/route.ts";
import type { WebSources } from "../sources.ts";
import { maintenancePage, type MaintenanceInput } from "./maintenance-page.ts";

/**
 * The maintenance page and its two forms. The token travels in the form itself, never by itself with a request: another
 * site cannot make a browser send what the browser does not keep.
 */
export function maintenancePageRoutes(sources: WebSources): readonly Route[] {
  const path = "/maintenance";
  const page = (message: MaintenanceInput["message"], server: string | null, status = 200): Reply =>
    html(
      maintenancePage({
        live: sources.live(),
        windows: sources.actions.maintenance?.list() ?? null,
        writable: sources.token() !== null,
        message,
        server,
        version: sources.version,
      }),
      status,
    );
  return [
    {
      method: "GET",
      path,
      access: "read",
      handle: ({ url }) => page(null, url.searchParams.get("server")),
    },
    {
      method: "POST",
      path,
      access: "form",
      handle: async (call) => {
        const { maintenance } = sources.actions;
        const token = sources.token();
        const form = readForm(call);
        if (form === null) {
          return problem(415, "A form is expected.");
        }
        if (maintenance === null || token === null) {
          return page({ ok: false, text: "Nothing can be changed from here." }, null, 403);
        }
        if (!tokensMatch(form.get("token") ?? "", token)) {
          return page({ ok: false, text: "The token is another one." }, form.get("servers"), 403);
        }
        const done =
          form.get("action") === "end"
            ? await end(maintenance, form)
            : await start(maintenance, form, sources.now());
        return page(done, null, done.ok ? 200 : 400);
      },
    },
  ];
}

type Done = NonNullable<MaintenanceInput["message"]>;

async function start(
  maintenance: MaintenanceActions,
  form: URLSearchParams,
  now: number,
): Promise<Done> {
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
    return { ok: false, text: "Name at least one server, and say for how long." };
  }
  const read = toRequest(parsed.data, maintenance.list(), now);
  if (read.kind === "bad") {
    return { ok: false, text: read.message };
  }
  const result = await maintenance.start(read.request);
  return result.kind === "done"
    ? { ok: true, text: `Declared: ${result.window.name}.` }
    : { ok: false, text: result.message };
}

async function end(maintenance: MaintenanceActions, form: URLSearchParams): Promise<Done> {
  const result = await maintenance.end(form.get("name") ?? "", form.get("author"));
  return result.kind === "done"
    ? { ok: true, text: `Ended: ${result.window.name}.` }
    : { ok: false, text: result.message };
}

function readForm(call: Call): URLSearchParams | null {
  return /^application\/x-www-form-urlencoded\b/i.test(call.headers["content-type"] ?? "")
    ? new URLSearchParams(call.body.toString("utf8"))
    : null;
}
