import { problem, reply, type Reply } from "../http/reply.ts";
import { get, type Route } from "../http/route.ts";
import { lintPageFile } from "./lint-page-file.ts";

/** `/lint`: the page that checks an ns.conf in the browser. Read from disk at the first request. */
export function lintRoute(): Route {
  let answer: Reply | null = null;
  return get("/lint", () => (answer ??= lintReply(lintPageFile())));
}

/** The page allows its own script by hash; the header repeats its policy and forbids framing. */
function lintReply(page: string | null): Reply {
  const policy = /<meta http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(
    page ?? "",
  )?.[1];
  if (page === null || policy === undefined) {
    return problem(404, "The lint page was not built; run npm run build:lint-page.");
  }
  const headers = { "content-security-policy": `${policy}; frame-ancestors 'none'` };
  return { ...reply(200, "text/html; charset=utf-8", page, headers), cacheable: true };
}
