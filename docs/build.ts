import { readFileSync } from "node:fs";
import { join } from "node:path";
import { configJsonSchema } from "../src/config/normalise.ts";
import { METRICS } from "../src/exporters/prometheus/definitions.ts";
import { architectureWithRooms } from "./build-architecture.ts";
import { attributeReference } from "./build-attributes.ts";
import { configurationReference } from "./build-configuration.ts";
import { guideReference } from "./build-guides.ts";
import { metricsReference } from "./build-metrics.ts";
import { verdictReference } from "./build-verdicts.ts";

/** Every reference that is made from the code, by its path in the repository. A test pins them to what is committed. */
export function buildDocs(root: string): ReadonlyMap<string, string> {
  const example = readFileSync(join(root, "docs", "examples", "adc-witness.yml"), "utf8");
  const architecture = readFileSync(join(root, "docs", "dev", "architecture.md"), "utf8");
  const house = readFileSync(join(root, "house.json"), "utf8");
  return new Map([
    ["docs/dev/architecture.md", architectureWithRooms(architecture, house)],
    ["docs/dev/attributes.md", attributeReference()],
    ["docs/configuration.md", configurationReference(configJsonSchema(), example)],
    ["docs/guides.md", guideReference()],
    ["docs/metrics.md", metricsReference(METRICS)],
    ["docs/verdicts.md", verdictReference()],
  ]);
}
