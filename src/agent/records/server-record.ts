import type { Declared } from "../../maintenance/declared.ts";
import { canShowMaintenance } from "../evaluate-member.ts";
import type { LiveServer } from "../../model/live.ts";
import type { MemberRecord } from "./member-record.ts";

/** One server of an ADC: what all its members show together. Made at each import, read when someone asks. */
export class ServerRecord implements LiveServer {
  readonly adc: string;
  readonly server: string;
  readonly members: readonly MemberRecord[];
  readonly #declared: (member: MemberRecord) => Declared;

  constructor(members: readonly MemberRecord[], declared: (member: MemberRecord) => Declared) {
    this.adc = members[0]?.adc ?? "";
    this.server = members[0]?.server ?? "";
    this.members = members;
    this.#declared = declared;
  }

  /** In maintenance when that is declared for it, or when all its members (that could show it) are. */
  get maintenance(): LiveServer["maintenance"] {
    const telling = this.members.filter(canShowMaintenance);
    return {
      declared: this.members.some((member) => this.#declared(member).state === "open"),
      adc: this.members.every((member) => member.maintenance.adc),
      detected: telling.length > 0 && telling.every((member) => member.maintenance.detected),
    };
  }

  get maintenanceEnd(): number | null {
    return this.members.reduce<number | null>((last, member) => {
      const { state, endAt } = this.#declared(member);
      return state !== "open" || endAt === null ? last : Math.max(last ?? endAt, endAt);
    }, null);
  }
}

/** What flexible windows and automatic ends wait for, over all members of that name, whichever ADC they are known to. */
export function showsOf(
  members: readonly MemberRecord[],
  now: number,
  stabilityMs: number,
): { readonly bad: boolean; readonly stable: boolean } {
  return {
    bad: members.some((member) => member.bad || member.detection.detected),
    stable: members.every(
      (member) =>
        (member.goodSince !== null && now - member.goodSince >= stabilityMs) ||
        (!member.bad && member.probes.length === 0),
    ),
  };
}
