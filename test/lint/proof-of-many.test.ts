import { test } from "vitest";
import { proveRandomEstates } from "./proof.ts";

test(
  "lint › mends or leaves as it was when its commands are applied to random estates",
  { timeout: 1_800_000 },
  () => {
    proveRandomEstates(Number(process.env["PROOF_RUNS"] ?? 1_000));
  },
);
