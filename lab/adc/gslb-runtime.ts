import { createServer, type Server } from "node:net";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import type { Member } from "../../src/model/adc-service.ts";
import type { Gslb, GslbService, GslbVserver } from "../../src/model/gslb.ts";
import {
  dnsAnswer,
  parseQuestion,
  RCODES,
  type DnsRecord,
} from "../exchange/directory/dns-message.ts";
import { serveDnsOverTcp, type NameServer } from "../exchange/directory/dns-server.ts";
import { startUdpService, type UdpService } from "../exchange/directory/udp-service.ts";
import type { MemberBelief, NitroState, VserverBelief } from "../nitro/backend.ts";
import type { AddressMap } from "./address-map.ts";
import type { MemberRuntime } from "./member-runtime.ts";

/** What GSLB needs of the appliance it runs on, and of the ones at other sites. */
export interface GslbWorld {
  readonly gslb: () => Gslb;
  /** The runtime of a GSLB service's member with monitors; null without. */
  readonly monitored: (member: Member) => MemberRuntime | null;
  /** State of the vserver with this VIP, here or at a site with metric exchange; null: unknown. */
  readonly vserverAt: (address: string, port: Member["port"], local: boolean) => NitroState | null;
  readonly now: () => number;
}

interface Known {
  readonly state: NitroState;
  readonly since: number;
}

/** Global server load balancing: the states of sites, and the responses of the appliance's own DNS. */
export class GslbRuntime {
  readonly #world: GslbWorld;
  /** Last known states by the member's service and server. */
  readonly #states = new Map<string, Known>();
  readonly #exchangeDown = new Set<string>();
  readonly #turns = new Map<string, number>();
  #udp: UdpService | null = null;
  #tcp: Server | null = null;

  constructor(world: GslbWorld) {
    this.#world = world;
  }

  /** Breaks or restores the metric exchange with a site. While it is down, the states of the site do not change. */
  setExchange(site: string, up: boolean): void {
    if (up) {
      this.#exchangeDown.delete(site);
    } else {
      this.#refresh();
      this.#exchangeDown.add(site);
    }
  }

  mepStatus(site: string): "ACTIVE" | "DOWN" {
    return this.#exchangeDown.has(site) ? "DOWN" : "ACTIVE";
  }

  /** The GSLB state of a member. */
  belief(service: GslbService, member: Member): MemberBelief {
    const { state, since } = this.#stateOf(service, member);
    return {
      state,
      trofsReason: null,
      clientConnections: 0,
      serverConnections: 0,
      sinceChangeMs: this.#world.now() - since,
    };
  }

  vserverBelief(name: string): VserverBelief {
    const vserver = this.#world.gslb().vservers.get(name);
    const states = vserver === undefined ? [] : this.#membersOf(vserver);
    const up = states.filter(({ known }) => known.state === "UP").length;
    const state = vserver?.enabled === false ? "OUT OF SERVICE" : up > 0 ? "UP" : "DOWN";
    return {
      state,
      effectiveState: state,
      healthPercent: states.length === 0 ? 0 : Math.round((100 * up) / states.length),
      backupActive: false,
      totalServices: states.length,
      activeServices: up,
      remark: null,
      clientConnections: 0,
      sinceChangeMs: this.#world.now() - Math.max(0, ...states.map(({ known }) => known.since)),
    };
  }

  /** Answers at the ADNS addresses, over UDP and TCP on one loopback port. */
  async listen(addresses: AddressMap): Promise<void> {
    const { adns } = this.#world.gslb();
    if (adns.length === 0) {
      return;
    }
    const server: NameServer = {
      answer: (message) => this.#answer(message),
      set: () => undefined,
      delayMs: () => 0,
      queries: () => 0,
    };
    const port = await this.#openBoth(server);
    for (const { address, port: shown } of adns) {
      addresses.add(address, shown, { host: "127.0.0.1", port });
      addresses.addHost(address, () => true);
    }
  }

  async close(): Promise<void> {
    const tcp = this.#tcp;
    this.#tcp = null;
    await this.#udp?.stop();
    if (tcp !== null) {
      tcp.close();
      await once(tcp, "close");
    }
  }

  /** One port for both, as clients know only one. */
  async #openBoth(server: NameServer): Promise<number> {
    for (;;) {
      const tcp = createServer((socket) => {
        socket.on("error", () => undefined);
        void serveDnsOverTcp(socket, server);
      });
      tcp.listen(0, "127.0.0.1");
      await once(tcp, "listening");
      const { port } = tcp.address() as AddressInfo;
      try {
        const answer = (datagram: Buffer): Buffer | null => server.answer(datagram, "udp");
        this.#udp = await startUdpService({ port, answer, delayMs: () => 0 });
        this.#tcp = tcp;
        return port;
      } catch {
        // The port is in use for UDP: try another.
        tcp.close();
      }
    }
  }

  #answer(message: Buffer): Buffer | null {
    const question = parseQuestion(message);
    if (question === null) {
      return null;
    }
    const vserver = [...this.#world.gslb().vservers.values()].find(({ domains }) =>
      domains.some(({ name }) => name.toLowerCase() === question.name),
    );
    if (vserver === undefined) {
      return dnsAnswer(question, RCODES.refused, []);
    }
    const records = this.#chosen(vserver).map((data): DnsRecord => ({
      name: question.name,
      type: "A",
      data,
    }));
    return dnsAnswer(question, 0, question.type === 1 ? records : []);
  }

  /** One UP site after the other; with none, nothing (`-EDR ENABLED`) or all (NetScaler docs: empty down response). */
  #chosen(vserver: GslbVserver): readonly string[] {
    const members = vserver.enabled ? this.#membersOf(vserver) : [];
    const up = members.filter(({ known }) => known.state === "UP");
    if (up.length === 0) {
      return vserver.emptyWhenDown ? [] : members.map(({ address }) => address);
    }
    const turn = this.#turns.get(vserver.name) ?? 0;
    this.#turns.set(vserver.name, turn + 1);
    const chosen = up[turn % up.length];
    return chosen === undefined ? [] : [chosen.address];
  }

  #membersOf(vserver: GslbVserver): { readonly address: string; readonly known: Known }[] {
    const { services } = this.#world.gslb();
    return vserver.services.flatMap(({ service }) => {
      const own = services.get(service);
      return own === undefined
        ? []
        : own.members.flatMap((member, at) => {
            const address = own.otherAddresses[at]?.[0] ?? member.address;
            return address === null ? [] : [{ address, known: this.#stateOf(own, member) }];
          });
    });
  }

  #refresh(): void {
    for (const service of this.#world.gslb().services.values()) {
      service.members.forEach((member) => this.#stateOf(service, member));
    }
  }

  /** By its monitors; without any, by the vserver that has the VIP, as far as metrics are exchanged. */
  #stateOf(service: GslbService, member: Member): Known {
    const key = `${service.name} ${member.server}`;
    const before = this.#states.get(key);
    const state = this.#knownState(service, member) ?? before?.state ?? "DOWN";
    const known = before?.state === state ? before : { state, since: this.#world.now() };
    this.#states.set(key, known);
    return known;
  }

  #knownState(service: GslbService, member: Member): NitroState | null {
    if (!service.enabled || !member.enabled) {
      return "OUT OF SERVICE";
    }
    const monitored = this.#world.monitored(member);
    if (monitored !== null) {
      return monitored.state;
    }
    const site = service.site === null ? undefined : this.#world.gslb().sites.get(service.site);
    if (member.address === null || this.#exchangeDown.has(service.site ?? "")) {
      return null;
    }
    return this.#world.vserverAt(member.address, member.port, site?.local === true);
  }
}
