import { AGENT_ALERTS } from "./agent-alerts.ts";
import type { AlertGroup } from "./alert.ts";
import { MEMBER_ALERTS } from "./member-alerts.ts";
import { RECORDINGS } from "./recordings.ts";
import { alertReference } from "./reference.ts";
import { recordingFile, recordingTestFile, rulesFile, testFile } from "./render.ts";
import { VSERVER_ALERTS } from "./vserver-alerts.ts";

export const ALERT_GROUPS: readonly AlertGroup[] = [MEMBER_ALERTS, VSERVER_ALERTS, AGENT_ALERTS];

/** Every file that is made from the alerts, by its path in the repository. A test pins them to what is committed. */
export function buildAlerts(): ReadonlyMap<string, string> {
  return new Map([
    ...ALERT_GROUPS.flatMap((group): [string, string][] => [
      [`alerts/${group.file}.rules.yml`, rulesFile(group)],
      [`alerts/${group.file}.test.yml`, testFile(group)],
    ]),
    ["alerts/recording.rules.yml", recordingFile(RECORDINGS)],
    ["alerts/recording.test.yml", recordingTestFile(RECORDINGS)],
    ["docs/alerts.md", alertReference(ALERT_GROUPS, RECORDINGS)],
  ]);
}
