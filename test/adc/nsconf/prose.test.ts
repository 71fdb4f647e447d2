import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";

const estateOf = (text: string) => parseNsConf(text, { adc: "test" });

/** Sentences of pages, and parts of templates, which are no commands outside quotes. */
const PIECES = ["${1}", "${2:name}", "{{ y }}", "[-z", "(<q", " to the ", " that which ", ":", "a"];

describe("lines that look like prose or a template", () => {
  test("are commands when only what a monitor sends looks so, whatever its quotes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 6 }),
        fc.constantFrom('"', "'"),
        (pieces, quote) => {
          const send = pieces.join("");
          const text = `add lb monitor m TCP-ECV -send ${quote}${send}${quote} -recv ok`;
          expect(estateOf(text).monitors.get("m")?.parameters.send).toBe(send);
        },
      ),
    );
    const text = "add lb monitor m TCP-ECV -send q/x ${1} [-z/ -recv ok";
    expect(estateOf(text).monitors.get("m")?.parameters.send).toBe("x ${1} [-z");
  });

  test.each(["a", "an", "to", "the", "that", "and", "of", "for", "in", "with", "from"])(
    "are commands when an object is called %s and its kind is abbreviated",
    (name) => {
      const estate = estateOf(
        [
          "add server web 10.0.0.1",
          "add service s web HTTP 80",
          `add mon ${name} TCP`,
          `bind mon ${name} s`,
          `add serviceg ${name} HTTP`,
          `add lb vs ${name} HTTP 10.1.1.1 80`,
          `add server ${name} 10.0.0.2`,
        ].join("\n"),
      );
      expect(estate.monitors.get(name)?.type).toBe("TCP");
      expect(estate.services.get("s")?.monitors.map(({ monitor }) => monitor)).toEqual([name]);
      expect([...estate.services.keys(), ...estate.lbVservers.keys()]).toEqual(["s", name, name]);
      expect(estate.servers.get(name)?.address).toBe("10.0.0.2");
      expect(estate.passedOver).toBeUndefined();
    },
  );

  test.each([
    "Add customers to the pool.",
    "Save lines that couldn't be read",
    "Add users to the group",
    "Enable or disable window scaling.",
    "<td><p>Enable or disable drop of",
    "add and bind services",
    "add lb monitor ${1:name} HTTP",
    "add lb monitor {{ name }} HTTP",
    "add lb monitor <name> [-interval <n>]",
  ])("are no commands when the words themselves look so: %s", (line) => {
    const estate = estateOf(`${line}\nadd server web 10.0.0.1`);
    expect(estate.monitors.size).toBe(estateOf("").monitors.size);
    expect([...estate.otherStatements]).toEqual([]);
  });
});
