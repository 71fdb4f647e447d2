import { groupBy } from "../../lib/steps.ts";
import type { GslbService, GslbSiteState, GslbVserver } from "../../model/gslb.ts";
import type { LiveGslb, LiveGslbSite } from "../../model/live.ts";
import type { Observation } from "../../model/observation.ts";
import { canonicalAddress } from "../../probes/protocols/dns-message.ts";
import type { GslbFacts, SiteFacts, SiteVserver } from "../../verdict/facts.ts";
import type { MemberRecord } from "./member-record.ts";
import type { ProbeRecord } from "./probe-record.ts";

/** One VIP of a GSLB vserver. */
export interface SiteRecord extends SiteFacts {
  readonly member: MemberRecord;
  /** Set when all vservers are known. */
  behind: SiteVserver | null;
}

/** How many rounds of all DNS queries without an address until it no longer counts as handed out: methods rotate sites. */
const TURNS_PER_SITE = 2;

/** What is known about a GSLB vserver besides the properties of all vservers. */
export class GslbRecord implements LiveGslb, GslbFacts {
  readonly domains: readonly string[];
  readonly method: string;
  readonly siteRecords: readonly SiteRecord[];
  /** The DNS queries; they are among the vserver's `probes`. */
  readonly questions: readonly ProbeRecord[];
  mep: ReadonlyMap<string, GslbSiteState> = new Map();
  /** As last judged. */
  sites: readonly LiveGslbSite[] = [];
  /** By address: answers since the last one that contained it. */
  readonly #missed = new Map<string, number>();
  #answers = 0;

  constructor(
    /** The vserver, and its backups in their order. */
    [vserver, ...backups]: readonly [GslbVserver, ...GslbVserver[]],
    services: ReadonlyMap<string, GslbService>,
    members: readonly MemberRecord[],
    probes: readonly ProbeRecord[],
  ) {
    this.domains = vserver.domains.map(({ name }) => name);
    this.method = vserver.method;
    this.questions = probes.filter(({ vantage }) => vantage === "vip");
    const publicProbes = groupBy(
      probes.filter(({ vantage, planned }) => vantage === "public" && planned.address !== null),
      ({ planned }) => canonicalAddress(planned.address ?? ""),
    );
    const bound = [vserver, ...backups].flatMap((each) =>
      each.services.map(({ service }) => ({ service, backup: each !== vserver })),
    );
    this.siteRecords = bound.flatMap(({ service, backup }) => {
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
        const publicly = new Map(
          addresses.flatMap((address) => {
            const there = (publicProbes.get(address) ?? []).filter(
              ({ planned }) => planned.port === (own?.publicPorts[at] ?? each.port),
            );
            return there.length === 0 ? [] : [[address, there] as const];
          }),
        );
        return member === undefined
          ? []
          : [{ member, site: own?.site ?? null, addresses, publicly, backup, behind: null }];
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

  /** The results of all queries have expired: what they answered no longer counts. */
  forgetAnswers(): void {
    this.#answers = 0;
    this.#missed.clear();
  }

  get unasked(): LiveGslb["unasked"] {
    const reasons = this.questions.flatMap(({ planned }) => planned.action.unsupportedReason ?? []);
    return [...groupBy(reasons, (why) => why)].map(([why, each]) => ({
      why,
      questions: each.length,
    }));
  }

  /** Takes in one answer of the ADC's DNS. A query without an answer counts for no site. */
  bookAnswer(question: ProbeRecord, { answered }: Observation): void {
    if (answered === undefined || !this.questions.includes(question)) {
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
   * Whether clients are sent there: one of its addresses was in the last answers. If GSLB itself says that the site is not UP,
   * only the newest answer of each query counts. Null: there is no answer now, or it has no address here.
   */
  handedOut({ addresses, member }: SiteFacts): boolean | null {
    const isAnswered = this.#answers > 0 && this.questions.some(({ outdated }) => !outdated);
    if (!isAnswered || addresses.length === 0) {
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
