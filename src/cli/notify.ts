import { printableLine } from "../lib/printable.ts";
import { deliver } from "../notify/deliver.ts";
import { testMessage } from "../notify/message.ts";
import type { Output } from "./output.ts";
import { readConfig } from "./read-config.ts";
import { untilInterrupted } from "./run.ts";

/** `notify test`: sends one message to every notifier, or to the one named. Exit status 0 if all were accepted, else 1. */
export async function runNotifyTest(
  file: string,
  name: string | null,
  output: Output,
): Promise<number> {
  const config = await readConfig(file, output);
  if (config === null) {
    return 1;
  }
  const wanted = config.notify.filter((notifier) => name === null || notifier.name === name);
  if (wanted.length === 0) {
    const known = config.notify.map((notifier) => notifier.name).join(", ");
    output.err(
      name === null || known === ""
        ? `error: ${file} has no notifier; write one under notify\n`
        : printableLine(`error: no notifier is called ${name}; expected one of ${known}`) + "\n",
    );
    return 1;
  }
  const message = testMessage({
    agent: config.agent,
    externalUrl: config.web.externalUrl,
    now: Date.now(),
  });
  return untilInterrupted(async (interrupted) => {
    const deliveries = await Promise.all(
      wanted.map(async (notifier) => {
        const delivery = await deliver(notifier.receiver, message, interrupted);
        const words = delivery.kind === "sent" ? "sent" : `not sent: ${delivery.why}`;
        output.out(printableLine(`${notifier.name} (${notifier.receiver.kind}): ${words}`) + "\n");
        return delivery;
      }),
    );
    return deliveries.every(({ kind }) => kind === "sent") ? 0 : 1;
  });
}
