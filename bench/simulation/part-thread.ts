import { parentPort, workerData } from "node:worker_threads";
import { simulate, type SimulationOptions } from "./simulate.ts";

/** One part of the hours, in a separate thread. */
parentPort?.postMessage(simulate(workerData as SimulationOptions));
