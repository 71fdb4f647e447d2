import { rmSync } from "node:fs";
import { join } from "node:path";

/** Removes `dist`, so that a file whose source was deleted is neither run nor packed. */
rmSync(join(import.meta.dirname, "..", "dist"), { recursive: true, force: true });
