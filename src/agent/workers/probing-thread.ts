import { parentPort, workerData } from "node:worker_threads";
import { networkOfWays, type Ways } from "../import-once.ts";
import { ErrandRunner } from "./errand-runner.ts";
import type { Answer, FromWorker, ToWorker } from "./messages.ts";
import { Outbox } from "./outbox.ts";

/**
 * Where a worker thread begins. It has a network of its own (`connect_to`, names, TLS contexts) and loads only what
 * monitors and anonymous looks need: no web, no exporters, no libraries for logins.
 */
const main = parentPort;
if (main === null) {
  throw new Error("probing-thread is started by the worker pool, as a thread");
}
const answers = new Outbox<Answer>((batch) => {
  main.postMessage(batch satisfies FromWorker);
});
const runner = new ErrandRunner(networkOfWays(workerData as Ways), (answer) => {
  answers.put(answer);
});
main.on("message", (message: ToWorker) => {
  if (message === "stop") {
    // Nothing then holds the thread, and it ends by itself.
    void runner.stop().then(() => {
      main.close();
    });
    return;
  }
  for (const order of message.orders) {
    runner.obey(order);
  }
});
