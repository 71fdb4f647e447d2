import { demoConf } from "../../lab/demo-conf.ts";

export interface PartOfDemo {
  /** Service groups that stay, for example `sg_imaps`; everything that leads only to others goes. */
  readonly groups: readonly string[];
  /** Servers that stay members of them. Default: all. */
  readonly servers?: readonly string[];
  /** In place of each monitor's interval, response time-out and down time. */
  readonly timing?: string;
  /** Statements that are added at the end. */
  readonly added?: readonly string[];
}

const TIMING = /-interval \d+ -resptimeout \d+ -downTime \d+/;

/** The demo's ns.conf with only some of its service groups, and the vservers, policies and actions that lead to these. */
export function partOfDemo(part: PartOfDemo): string {
  const kept = new Set(part.groups);
  let lines = demoConf().split("\n");
  const groups = lines.flatMap(
    (line) => /^add (?:serviceGroup|service) (\S+)/.exec(line)?.[1] ?? [],
  );
  lines = without(
    lines.filter((line) => part.servers === undefined || staysMember(line, part.servers)),
    new Set(groups.filter((name) => !kept.has(name))),
  );
  const bound = new Set(
    lines.flatMap((line) => /^bind lb vserver (\S+) sg_/.exec(line)?.[1] ?? []),
  );
  const unserved = lines.flatMap((line) => {
    const name = /^add lb vserver (\S+)/.exec(line)?.[1];
    return name === undefined || bound.has(name) || line.includes("-redirectURL") ? [] : [name];
  });
  lines = without(lines, new Set(unserved));
  if (!lines.some((line) => /^bind cs vserver/.test(line) && !line.includes("pol_aaa"))) {
    lines = without(lines, new Set(["cs_exchange", "v_http_redirect", "aaa_exchange"]));
  }
  const { timing } = part;
  return [
    ...(timing === undefined ? lines : lines.map((line) => line.replace(TIMING, timing))),
    ...(part.added ?? []),
    "",
  ].join("\n");
}

function staysMember(line: string, servers: readonly string[]): boolean {
  const server = /^bind serviceGroup \S+ (\S+) \d+$/.exec(line)?.[1];
  return server === undefined || servers.includes(server);
}

/** Without every statement that names one of these, nor what such a statement would have added, and so on. */
function without(lines: readonly string[], gone: ReadonlySet<string>): string[] {
  const names = new Set(gone);
  let left = [...lines];
  for (;;) {
    const staying = left.filter((line) => !line.split(" ").some((word) => names.has(word)));
    if (staying.length === left.length) {
      return staying;
    }
    for (const line of left) {
      const added = /^add (?:cs|lb|rewrite|tm|authorization) (?:\w+) (\S+)/.exec(line)?.[1];
      if (added !== undefined && !staying.includes(line)) {
        names.add(added);
      }
    }
    left = staying;
  }
}
