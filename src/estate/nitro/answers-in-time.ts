import type { LoopWatch } from "../../probes/wire/loop-watch.ts";

const GRACE_FOR_OTHERS_MS = 1_000;

/**
 * All answers; but once one of them decides, the others have a second left: a dead node may take long. While our own event
 * loop is held nobody can be heard, so that a second with a hold in it does not count.
 */
export async function answersInTime<Answer>(
  asked: readonly Promise<Answer>[],
  decides: (answer: Answer) => boolean,
  loop?: LoopWatch,
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  let timer: NodeJS.Timeout | undefined;
  loop?.enter();
  await new Promise<void>((resolve) => {
    const waitForOthers = (): NodeJS.Timeout => {
      const heldBeforeMs = loop?.heldMs() ?? 0;
      return setTimeout(() => {
        if ((loop?.heldMs() ?? 0) > heldBeforeMs) {
          timer = waitForOthers();
        } else {
          resolve();
        }
      }, GRACE_FOR_OTHERS_MS);
    };
    for (const answer of asked) {
      void answer.then((told) => {
        answers.push(told);
        if (answers.length === asked.length) {
          resolve();
        } else if (decides(told)) {
          timer ??= waitForOthers();
        }
      });
    }
  });
  clearTimeout(timer);
  loop?.leave();
  return [...answers];
}
