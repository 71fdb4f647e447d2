import { bindingKey } from "../../src/bundle/answer-log.ts";
import type { BundleAnswer } from "../../src/bundle/format.ts";
import { configResource, statResource, type NitroSource } from "./resources.ts";
import type { Row } from "./wire-values.ts";

/** NITRO's warning of a node that is not the primary. */
const SECONDARY = 1028;

/** The recorded answers of one node, from a bundle. */
export function recordedSource(answers: readonly BundleAnswer[]): NitroSource {
  const recorded = new Map(answers.map((one) => [`${one.api}/${one.resource}`, one]));
  return {
    resource: ({ kind, resource, statBindings }) => {
      const answer = recorded.get(`${kind}/${resource}`);
      if (answer === undefined) {
        return null;
      }
      if (answer.rows === null) {
        const { code, words } = answer;
        return { code: code ?? "reset", words: words ?? "" };
      }
      const known =
        kind === "config" ? configResource(resource) : statResource(resource, statBindings);
      const binding = bindingKey(resource);
      return {
        key: binding ?? known?.key ?? "name",
        ...(binding === null ? {} : { binding: true }),
        ...(known?.single === true ? { single: true } : {}),
        ...(answer.secondary ? { warning: SECONDARY } : {}),
        rows: (asked) => ofArgument(answer.fields, asked.get("vserver")),
      };
    },
  };
}

/** `lbpersistentsessions` is requested for one vserver. */
function ofArgument(rows: readonly Row[], vserver: string | undefined): readonly Row[] {
  return vserver === undefined ? rows : rows.filter((row) => row["vserver"] === vserver);
}
