import { expect, test } from "vitest";
import { keysAt } from "../../src/config/issues.ts";

test("known keys › are found through lists and names", () => {
  expect(keysAt(["adcs", 0, "nitro", "tls"])).toEqual(["ca_file", "server_name", "verify"]);
  expect(keysAt(["vservers", "v_owa"])).toContain("path");
  expect(keysAt(["agent"])).toEqual([]);
});
