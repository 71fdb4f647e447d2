import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../docs/pages.ts";

export const GUIDE = join(ROOT, "test", "fixtures", "ns.conf", "exchange-2016.conf");

/** The second guide's configuration over and over, each time with names and addresses of its own. */
export async function manyEstates(lines: number): Promise<string> {
  const guide = (await readFile(GUIDE, "utf8")).split("\n");
  const copies = Math.ceil(lines / guide.length);
  return Array.from({ length: copies }, (_, copy) =>
    guide.map((line) =>
      line
        .replace(/192\.168\.2\.(\d+)/g, `10.${String(copy >> 8)}.${String(copy & 255)}.$1`)
        .replace(
          /\b(exchange0\d|lb_\w+|cs_\w+|aaa_\w+|tm_\w+|res_\w+|rw_\w+)\b/g,
          `$1_${String(copy)}`,
        ),
    ),
  )
    .flat()
    .slice(0, lines)
    .join("\n");
}
