import type { TargetMaker } from "./target.ts";
import {
  berTarget,
  certificateTarget,
  dceRpcTarget,
  dnsTarget,
  ntlmTarget,
  radiusTarget,
  snmpTarget,
} from "./targets/decoders.ts";
import { DIALOGUES } from "./targets/dialogue-list.ts";
import { dialogueTarget, socketTarget } from "./targets/dialogues.ts";
import { nitroEnvelopeTarget, nitroImportTarget, nitroPollTarget } from "./targets/nitro.ts";
import { maintenanceTarget, queryTarget } from "./targets/requests.ts";
import { greetingTarget, httpTarget } from "./targets/streams.ts";
import { configTarget, nsConfTarget, webConfigTarget } from "./targets/texts.ts";

/** All readers of external input, by name. */
export const TARGETS: ReadonlyMap<string, TargetMaker> = new Map<string, TargetMaker>([
  ["ns.conf", nsConfTarget],
  ["nitro-envelope", nitroEnvelopeTarget],
  ["nitro-import", nitroImportTarget],
  ["nitro-poll", nitroPollTarget],
  ["configuration", configTarget],
  ["web-config", webConfigTarget],
  ["maintenance", maintenanceTarget],
  ["query", queryTarget],
  ["http", httpTarget],
  ["greeting", greetingTarget],
  ["certificate", certificateTarget],
  ["dns", dnsTarget],
  ["ber", berTarget],
  ["snmp", snmpTarget],
  ["radius", radiusTarget],
  ["ntlm", ntlmTarget],
  ["dcerpc", dceRpcTarget],
  ...DIALOGUES.map(
    (dialogue) => [dialogue.name, (): ReturnType<TargetMaker> => dialogueTarget(dialogue)] as const,
  ),
]);

/** The same conversations over real sockets, which are slow: a small share. */
export const SOCKET_TARGETS: ReadonlyMap<string, TargetMaker> = new Map<string, TargetMaker>(
  DIALOGUES.map((dialogue) => [
    `${dialogue.name}@loopback`,
    (): ReturnType<TargetMaker> => socketTarget(dialogue),
  ]),
);
