#!/usr/bin/env node
import { processOutput } from "./output.ts";
import { program } from "./program.ts";

// No top-level await, which a bundle for a single executable could not have.
void program(processOutput()).parseAsync();
