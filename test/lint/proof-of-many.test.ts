import { test } from "vitest";
import { proveRandomEstates } from "./proof.ts";

test(
  "lint › fixes its finding or changes no state when its commands are applied to random estates",
  { timeout: 1_800_000 },
  () => {
    proveRandomEstates(Number(process.env["PROOF_RUNS"] ?? 1_000));
  },
);
