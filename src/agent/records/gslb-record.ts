import type { GslbService, GslbSiteState, GslbVserver } from "../../model/gslb.ts";
import type { Observation } from "../../model/observation.ts";
import { canonicalAddress } from "../../probes/protocols/dns-message.ts";
import type { LiveGslb, LiveGslbSite, LiveVserver } from "../../model/live.ts";
import type { MemberRecord } from "./member-record.ts";
import type { ProbeRecord } from "./probe-record.ts";

/** The vserver at a site's VIP, as far as it tells of the site. */
export interface SiteVserver extends Pick<
  LiveVserver,
  "adc" | "vserver" | "vip" | "verdict" | "reason" | "members"
> {
  readonly memberRecords: readonly MemberRecord[];
}

/** One VIP of a GSLB vserver. */
export interface SiteRecord {
  readonly member: MemberRecord;
  readonly site: string | null;
  /** What DNS answers for it, in canonical spelling. */
  readonly addresses: readonly string[];
  /** The vserver at this VIP, where an ADC of the configuration has one. Set when all are known. */
  behind: SiteVserver | null;
}

/** Turns of all questions without an address until it no longer counts as handed out: methods take sites in turns. */
const TURNS_PER_SITE = 2;

/** What is known of a GSLB vserver beside what it shares with all vservers. */
export class GslbRecord implements LiveGslb {
  readonly domains: readonly string[];
  readonly method: string;
  readonly siteRecords: readonly SiteRecord[];
  /** The questions of DNS, as `probes` of the vserver. */
  readonly questions: readonly ProbeRecord[];
  mep: ReadonlyMap<string, GslbSiteState> = new Map();
  /** As last judged. */
  sites: readonly LiveGslbSite[] = [];
  /** By address: answers since the last one that held it. */
  readonly #missed = new Map<string, number>();
  #answers = 0;

  constructor(
    vserver: GslbVserver,
    services: ReadonlyMap<string, GslbService>,
    members: readonly MemberRecord[],
    questions: readonly ProbeRecord[],
  ) {
    this.domains = vserver.domains.map(({ name }) => name);
    this.method = vserver.method;
    this.questions = questions;
    this.siteRecords = vserver.services.flatMap(({ service }) => {
      const own = services.get(service);
      return (own?.members ?? []).flatMap((each, at): SiteRecord[] => {
        const member = members.find(
          ({ adcService, server, port }) =>
            adcService === own?.shownAs && server === each.server && port === each.port,
        );
        const named = [each.address, ...(own?.otherAddresses[at] ?? [])].flatMap(
          (one) => one ?? [],
        );
        const addresses = [
          ...named.map(canonicalAddress),
          ...[own?.cname ?? []].flat().map((one) => one.toLowerCase().replace(/\.$/, "")),
        ];
        return member === undefined
          ? []
          : [{ member, site: own?.site ?? null, addresses, behind: null }];
      });
    });
  }

  get answers(): LiveGslb["answers"] {
    return this.questions.flatMap(({ planned, current }) => {
      const { address, port, action } = planned;
      const options = action.kind === "transaction" ? (action.run?.spec.options ?? {}) : {};
      return address === null || typeof port !== "number" || action.run === null
        ? []
        : [
            {
              domain: String(options["query"]),
              address,
              port,
              transport: options["transport"] === "tcp" ? "tcp" : "udp",
              answered: current?.answered ?? null,
              failure: current === null || current.reason === "ok" ? null : current.reason,
            } as const,
          ];
    });
  }

  /** Takes in one answer of the ADC's DNS. What broke before an answer says nothing of any site. */
  bookAnswer({ answered }: Observation): void {
    if (answered === undefined) {
      return;
    }
    this.#answers += 1;
    const known = new Set(this.siteRecords.flatMap(({ addresses }) => addresses));
    for (const address of known) {
      const missed = this.#missed.get(address);
      if (answered.includes(address)) {
        this.#missed.set(address, 0);
      } else if (missed !== undefined) {
        this.#missed.set(address, missed + 1);
      }
    }
  }

  /**
   * Whether clients are sent there: an address of it came in the last turns. Of a site that GSLB itself says is not UP only
   * the very last answers count: what came before was right then. Null: no answer so far, or it has no address here.
   */
  handedOut({ addresses, member }: SiteRecord): boolean | null {
    if (this.#answers === 0 || addresses.length === 0) {
      return null;
    }
    const asked = Math.max(1, this.questions.filter(({ scheduled }) => scheduled).length);
    const taken = member.adcOpinion === "up" || member.adcOpinion === "unknown";
    const turns = taken ? TURNS_PER_SITE * Math.max(2, this.siteRecords.length) : 1;
    return addresses.some((address) => (this.#missed.get(address) ?? Infinity) < turns * asked);
  }

  mepOf(site: string | null): "up" | "down" | null {
    return site === null ? null : (this.mep.get(site)?.mep ?? null);
  }

  inherit(earlier: GslbRecord): void {
    this.mep = earlier.mep;
    this.#answers = earlier.#answers;
    for (const [address, missed] of earlier.#missed) {
      this.#missed.set(address, missed);
    }
  }
}
