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
    "Add responder policy p to unset the variable",
    "Bind cs vserver named c with the policy",
    "add lb monitor ${1:name} HTTP",
    "add lb monitor {{ name }} HTTP",
    "add lb monitor <name> [-interval <n>]",
    "add lb monitor &lt;name>@ [-interval &lt;n&gt;]",
    "set cs parameter -stateupdate ( ENABLED | DISABLED )",
    "set lb parameter -consolidatedLConn (YES|NO)",
    "Set single sign-on (SSO) for the session. A server takes the user's logon credentials.",
    "set on-link global prefix's configuration variables.",
    "Bind GSLB Service to GSLB vServer",
    "Bind TCP-ECV monitor to GSLB Service",
    "    'add lb monitor',",
    "    'add cs vserver',",
  ])("are no commands when the words themselves look so: %s", (line) => {
    const estate = estateOf(`${line}\nadd server web 10.0.0.1`);
    expect(estate.monitors.size).toBe(estateOf("").monitors.size);
    expect([...estate.policies.keys()]).toEqual([]);
    expect([...estate.otherStatements]).toEqual([]);
  });

  test.each([
    ["add server a&nbsp;10.0.0.1", ["typographic_characters"]],
    ["add server &lt;name&gt; 10.0.0.1", []],
    ["add lb vserver &lt;name> HTTP &lt;IP> 80", []],
  ])("have a page's characters named unless they are still to be filled in: %s", (line, rules) => {
    const { diagnostics } = estateOf(`${line}\nadd server web 10.0.0.1`);
    expect(diagnostics.map(({ rule }) => rule).filter((rule) => rule !== "not_filled_in")).toEqual(
      rules,
    );
  });

  test("keep what a monitor sends when it has an apostrophe and small words", () => {
    const text = `add lb monitor m TCP-ECV -send "the user's name for the host" -recv ok`;
    expect(estateOf(text).monitors.get("m")?.parameters.send).toBe("the user's name for the host");
  });
});

describe("what stands beside a command in its line", () => {
  test("is left out when it is a sentence behind a tab", () => {
    const estate = estateOf(
      "add server web 10.0.0.1\tThe first server of the pool.\nadd service s web HTTP 80\tTo add multiple services use the following command:\tadd service t web HTTP 81",
    );
    expect([...estate.services.keys()]).toEqual(["s"]);
    expect(estate.diagnostics.map(({ rule }) => rule)).not.toContain("stray_words");
  });

  test("is kept when the tab is part of a quoted text, parts two words or indents the line", () => {
    const estate = estateOf(
      'add lb monitor m TCP-ECV -send "x\tThe first server of"\nadd lb monitor n HTTP\t-respCode 200',
    );
    expect(estate.monitors.get("m")?.parameters.send).toBe("x\tThe first server of");
    expect([...new Set(estate.diagnostics.map(({ rule }) => rule))]).toEqual(["unused_monitor"]);
    expect(estateOf("\tAdd lb monitor mon HTTP").monitors.get("mon")?.type).toBe("HTTP");
  });

  test("is no broken command when a captured show leaves a parenthesis open", () => {
    const rules = estateOf(
      'add server web 10.0.0.1\nshow ssl policy1 SSL policy:1)      Name: p    Rule: URL == "x',
    ).diagnostics.map(({ rule }) => rule);
    expect(rules).not.toContain("broken_line");
  });
});

describe("a command in a program's source or a saved page", () => {
  const rules = (text: string) => estateOf(text).diagnostics.map(({ rule }) => rule);

  test("has the program's backslashes halved when it is an element of a list", () => {
    const element = String.raw`'add lb monitor m HTTP-ECV -customHeaders "Host: a.example\\r\\n" -send "GET /" -recv ok',`;
    expect(estateOf(`  ${element}`).monitors.get("m")?.parameters.customHeaders).toBe(
      "Host: a.example\r\n",
    );
  });

  test("names nothing that is missing when it has no name", () => {
    const estate = estateOf("add server web 10.0.0.1\nset ssl vserver\nbind service");
    expect(estate.diagnostics.filter(({ message }) => /: (?:\w+ )+(?:,|\.)/.test(message))).toEqual(
      [],
    );
    expect(rules("'set lb vserver',\nadd server web 10.0.0.1")).not.toContain("not_in_text");
  });

  test("has no characters named when the text is a saved page", () => {
    const line = "<pre><code><span>add server web 10.0.0.1</span></code></pre>";
    const page = `<!DOCTYPE html><html lang="en">\n${line}\n</html>`;
    expect(rules(page)).toEqual([]);
    expect(estateOf(page).servers.get("web")?.address).toBe("10.0.0.1");
    expect(rules(line)).toEqual(["typographic_characters"]);
  });
});

describe("the objects of service chaining", () => {
  test("are commands of the ADC with and without their group", () => {
    const { diagnostics } = estateOf(
      "add server web 10.0.0.1\nadd servicefunction f -ingressVLAN 4\nadd ns servicepath p\nrm servicepath p",
    );
    expect(diagnostics.map(({ rule }) => rule)).not.toContain("unknown_command");
  });
});

describe("several commands of one line", () => {
  test.each([
    "add server a 10.0.0.1; add server b 10.0.0.2",
    "- `add server a 10.0.0.1; add server b 10.0.0.2`",
    "add server a 10.0.0.1<br>add server b 10.0.0.2",
    "add server a 10.0.0.1 <br/> add server b 10.0.0.2",
    'commands = ["add server a 10.0.0.1", "add server b 10.0.0.2"]',
    "  'add server a 10.0.0.1', 'add server b 10.0.0.2',",
  ])("are read one by one: %s", (line) => {
    expect([...estateOf(line).servers.values()].map(({ address }) => address)).toEqual([
      "10.0.0.1",
      "10.0.0.2",
    ]);
  });

  test.each(['"', "'"])("are one when the rest is within %s", (quote) => {
    const send = "GET /; add server b 10.0.0.2<br>add server c";
    const text = `add lb monitor m HTTP-ECV -send ${quote}${send}${quote} -recv ok`;
    expect(estateOf(text).monitors.get("m")?.parameters.send).toBe(send);
    expect([...estateOf(text).servers]).toEqual([]);
  });

  test("are none in a sentence that quotes words of commands", () => {
    const text = 'Type "add server a 10.0.0.1", "add server b 10.0.0.2" or the like.';
    expect([...estateOf(text).servers]).toEqual([]);
  });
});
