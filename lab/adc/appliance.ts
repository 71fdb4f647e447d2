import { memberKey } from "../../src/model/adc-state.ts";
import type { Member } from "../../src/model/adc-service.ts";
import type { Estate } from "../../src/model/estate.ts";
import type { NitroBackend, NitroState, NodeBelief } from "../nitro/backend.ts";
import { AaaGate } from "./aaa/gate.ts";
import { NO_AAA, type AaaOptions } from "./aaa/options.ts";
import { AdminState } from "./admin-state.ts";
import { BackendContexts } from "./backend-tls.ts";
import { CsRuntime } from "./cs-runtime.ts";
import type { CertificateAndKey } from "./front/termination.ts";
import { isDatagram, openFronts, type FrontWorld, type VserverFronts } from "./fronts.ts";
import { siteServices } from "../../src/adc/gslb-fields.ts";
import { GslbRuntime } from "./gslb-runtime.ts";
import { LbRuntime } from "./lb-runtime.ts";
import { MemberRuntime } from "./member-runtime.ts";
import { monitorsOf } from "./monitoring.ts";
import type { RunningMonitor } from "./running-monitor.ts";
import { nitroView, withCertificateFacts } from "./nitro-view.ts";
import type { AdcOptions, DisableOptions } from "./options.ts";
import { MODERN_RANGE, type TlsRange } from "./tls-range.ts";

/** First probes are spread over this time, or longer for many members, to avoid a burst at the start. */
const FIRST_PROBES_WITHIN_MS = 500;
const FIRST_PROBES_PER_MEMBER_MS = 5;
const CLIENT_SIDE_TLS = new Set(["SSL", "SSL_TCP"]);

/** An ADC on loopback: it probes, balances and reports its state according to its ns.conf. */
export class Appliance {
  readonly #options: AdcOptions;
  readonly #loaded: Estate;
  readonly #admin: AdminState;
  readonly #members = new Map<string, MemberRuntime>();
  readonly #lb = new Map<string, LbRuntime>();
  readonly #lbOfService = new Map<string, LbRuntime[]>();
  readonly #cs = new Map<string, CsRuntime>();
  readonly #fronts = new Map<string, VserverFronts>();
  readonly #timeScale: number;
  readonly #backendTls: BackendContexts;
  readonly gslb: GslbRuntime;
  /** Appliances of other sites. */
  #peers: readonly Appliance[] = [];
  #aaa: AaaOptions;
  #primary = 0;
  /** The nodes have lost their link, and both are primary. */
  #split = false;

  constructor(options: AdcOptions) {
    this.#options = options;
    this.#timeScale = options.timeScale ?? 1;
    this.#backendTls = new BackendContexts(options.backendTls ?? MODERN_RANGE);
    this.#aaa = options.aaa ?? NO_AAA;
    this.#loaded = withCertificateFacts(options.estate, options.certificate);
    this.#admin = new AdminState(this.#loaded);
    this.#buildMembers();
    this.#buildVservers();
    this.gslb = new GslbRuntime({
      gslb: () => this.#admin.estate().gslb,
      monitored: (member) => (this.#isMonitoredSite(member) ? this.#memberOf(member) : null),
      vserverAt: (address, port, local) => this.#vserverAt(address, port, local),
      now: () => performance.now(),
    });
  }

  /** Other sites, with which metrics are exchanged. */
  setPeers(peers: readonly Appliance[]): void {
    this.#peers = peers;
  }

  #isMonitoredSite(member: Member): boolean {
    const services = [...this.#loaded.gslb.services.values()];
    const service = services.find(({ shownAs }) => shownAs === member.adcService);
    return service !== undefined && service.monitors.some(({ enabled }) => enabled);
  }

  #vserverAt(address: string, port: Member["port"], local: boolean): NitroState | null {
    for (const appliance of local ? [this] : this.#peers) {
      const { lbVservers, csVservers } = appliance.#loaded;
      const vserver = [...lbVservers.values(), ...csVservers.values()].find(
        (one) => one.address === address && one.port === port,
      );
      if (vserver !== undefined) {
        return appliance.vserver(vserver.name)?.belief().state ?? null;
      }
    }
    return null;
  }

  /** Opens the VIPs and begins to probe. */
  async start(): Promise<void> {
    const gate = new AaaGate(() => this.#aaa);
    const world: FrontWorld = {
      estate: this.#loaded,
      gate,
      aaa: () => this.#aaa,
      lb: (name) => this.#lb.get(name) ?? null,
      authenticationVserver: (name) => this.#loaded.authenticationVservers.get(name) ?? null,
      addresses: this.#options.addresses,
      backendTls: this.#backendTls,
      wildcardPorts: this.#options.wildcardPorts ?? [],
      certificate: (vserver) => this.#boundCertificate(vserver),
    };
    // Datagram vservers come last: they take the port of a TCP vserver on the same VIP.
    const runtimes = [...this.#cs.values(), ...this.#lb.values()].sort(
      (a, b) => Number(isDatagram(a.vserver)) - Number(isDatagram(b.vserver)),
    );
    for (const runtime of runtimes) {
      this.#fronts.set(runtime.vserver.name, await openFronts(runtime, world));
    }
    await this.gslb.listen(this.#options.addresses);
    const withinMs = Math.max(
      FIRST_PROBES_WITHIN_MS * this.#timeScale,
      FIRST_PROBES_PER_MEMBER_MS * this.#members.size,
    );
    for (const member of this.#members.values()) {
      member.start(withinMs);
    }
  }

  /** Whether every running monitor has a state. */
  get settled(): boolean {
    return [...this.#members.values()].every((member) => member.settled);
  }

  /** The current configuration. */
  estate(): Estate {
    return this.#admin.estate();
  }

  /** The view of one node over NITRO; 0 is the first of the pair. */
  nitro(node: 0 | 1 = 0): NitroBackend {
    return nitroView({
      estate: () => this.#admin.estate(),
      vserver: (name) => this.#lb.get(name) ?? this.#cs.get(name) ?? null,
      member: (member) => this.#memberOf(member),
      gslb: this.gslb,
      nodes: () => this.#nodes(node),
    });
  }

  /** One member's runtime; null when there is none of that name. */
  member(adcService: string, server: string, port: Member["port"]): MemberRuntime | null {
    return this.#members.get(memberKey(adcService, server, port)) ?? null;
  }

  members(): readonly MemberRuntime[] {
    return [...this.#members.values()];
  }

  vserver(name: string): LbRuntime | CsRuntime | null {
    return this.#lb.get(name) ?? this.#cs.get(name) ?? null;
  }

  disableServer(name: string, options: DisableOptions = {}): void {
    this.#admin.setServer(name, false);
    this.#apply((member) => member.server === name, options);
  }

  enableServer(name: string): void {
    this.#admin.setServer(name, true);
    this.#apply((member) => member.server === name);
  }

  /** A service or a whole service group. */
  disableService(name: string, options: DisableOptions = {}): void {
    this.#admin.setService(name, false);
    this.#apply((member) => member.adcService === name, options);
  }

  enableService(name: string): void {
    this.#admin.setService(name, true);
    this.#apply((member) => member.adcService === name);
  }

  disableMember(
    adcService: string,
    server: string,
    port: Member["port"],
    options: DisableOptions = {},
  ): void {
    this.#setMember(adcService, server, port, false, options);
  }

  enableMember(adcService: string, server: string, port: Member["port"]): void {
    this.#setMember(adcService, server, port, true, {});
  }

  setVserverEnabled(name: string, enabled: boolean): void {
    this.#admin.setVserver(name, enabled);
    this.vserver(name)?.setEnabled(enabled);
    this.#refreshVservers();
  }

  /** TLS towards the servers, including monitors, unless the ns.conf sets it. */
  setBackendTls(range: TlsRange): void {
    this.#backendTls.fallback = range;
  }

  setAaa(options: AaaOptions): void {
    this.#aaa = options;
  }

  /** Stops or starts the probes of matching members: a fault that no state shows. */
  setMonitorEngine(stopped: boolean, which: (member: Member) => boolean = () => true): void {
    for (const monitor of this.#monitorsOf(which)) {
      monitor.setEngineStopped(stopped);
    }
  }

  /** Simulates an overloaded packet engine: every probe of these members fails with this response. */
  setMonitorFault(response: string | null, which: (member: Member) => boolean): void {
    for (const monitor of this.#monitorsOf(which)) {
      monitor.setOwnFault(response);
    }
  }

  #monitorsOf(which: (member: Member) => boolean): readonly RunningMonitor[] {
    const runtimes = [...this.#members.values()].filter(({ member }) => which(member));
    return runtimes.flatMap(({ monitors }) => monitors);
  }

  /** Changes the certificate that a VIP presents, regardless of the bound certkey. */
  setCertificate(vserver: string, certificate: CertificateAndKey | null): void {
    this.#fronts.get(vserver)?.termination?.use(certificate);
  }

  /** Breaks or restores the link between the nodes of a pair: both become primary, or the first becomes secondary. */
  setSplitBrain(split: boolean): void {
    this.#split = split;
  }

  /** The other node of the pair becomes primary. */
  failover(): void {
    this.#primary = this.#primary === 0 ? 1 : 0;
  }

  async close(): Promise<void> {
    for (const member of this.#members.values()) {
      member.stop();
    }
    const fronts = [...this.#fronts.values()].flatMap((each) => each.fronts);
    await Promise.all([...fronts.map((front) => front.close()), this.gslb.close()]);
  }

  #buildMembers(): void {
    const world = {
      estate: this.#loaded,
      addresses: this.#options.addresses,
      timeScale: this.#timeScale,
      backendTls: this.#backendTls,
      monitorPassword: this.#options.monitorPassword ?? ((): null => null),
    };
    const sites = siteServices(this.#loaded).services;
    for (const service of [...this.#loaded.services.values(), ...sites.values()]) {
      for (const member of service.members) {
        const runtime = new MemberRuntime({
          member,
          service,
          monitors: (onResult) => monitorsOf(member, service, world, onResult),
          now: () => performance.now(),
          onChange: () => {
            this.#refreshVservers(service.name);
          },
          flushOnDown: true,
        });
        this.#members.set(memberKey(service.name, member.server, member.port), runtime);
      }
    }
  }

  #buildVservers(): void {
    const estate = this.#loaded;
    const now = (): number => performance.now();
    for (const vserver of estate.lbVservers.values()) {
      const members = vserver.services.flatMap(({ service }) =>
        (estate.services.get(service)?.members ?? []).flatMap(
          (member) => this.#memberOf(member) ?? [],
        ),
      );
      const runtime = new LbRuntime({
        vserver,
        members,
        now,
        timeScale: this.#timeScale,
        backup: () => this.#lb.get(vserver.backupVserver ?? "") ?? null,
        certificateMissing: this.#lacksCertificate(vserver.name, vserver.serviceType),
      });
      this.#lb.set(vserver.name, runtime);
      for (const { service } of vserver.services) {
        this.#lbOfService.set(service, [...(this.#lbOfService.get(service) ?? []), runtime]);
      }
    }
    for (const vserver of estate.csVservers.values()) {
      const runtime = new CsRuntime({
        vserver,
        policies: estate.policies,
        targetOfAction: (action) => estate.actions.get(action)?.target ?? null,
        targetIsUp: (target) => this.#lb.get(target)?.effectiveState === "UP",
        certificateMissing: this.#lacksCertificate(vserver.name, vserver.serviceType),
        now,
      });
      this.#cs.set(vserver.name, runtime);
    }
  }

  /** An SSL vserver without a certkey is DOWN; one behind content switching needs it as well. */
  #lacksCertificate(vserver: string, serviceType: string): boolean {
    return CLIENT_SIDE_TLS.has(serviceType) && this.#boundCertificate(vserver) === null;
  }

  #boundCertificate(vserver: string): CertificateAndKey | null {
    const { lbVservers, csVservers, certKeys } = this.#loaded;
    const bindings = (lbVservers.get(vserver) ?? csVservers.get(vserver))?.certKeys ?? [];
    const bound = bindings.find(({ ca, sni }) => !ca && !sni) ?? bindings.find(({ ca }) => !ca);
    const file = certKeys.get(bound?.certKey ?? "")?.certificateFile ?? null;
    return file === null ? null : this.#options.certificate(file);
  }

  #memberOf(member: Member): MemberRuntime | null {
    return this.member(member.adcService, member.server, member.port);
  }

  #setMember(
    adcService: string,
    server: string,
    port: Member["port"],
    enabled: boolean,
    options: DisableOptions,
  ): void {
    const runtime = this.member(adcService, server, port);
    if (runtime !== null) {
      this.#admin.setMember(runtime.member, enabled);
      this.#apply((member) => member === runtime.member, options);
    }
  }

  #apply(which: (member: Member) => boolean, options: DisableOptions = {}): void {
    for (const runtime of this.#members.values()) {
      if (which(runtime.member)) {
        if (this.#admin.allows(runtime.member)) {
          runtime.enable();
        } else {
          runtime.disable(options);
        }
      }
    }
  }

  /** Updates the vservers of one service, or all; then content switching, which depends on them. */
  #refreshVservers(service?: string): void {
    const bound =
      service === undefined ? this.#lb.values() : (this.#lbOfService.get(service) ?? []);
    for (const runtime of [...bound, ...this.#cs.values()]) {
      runtime.refresh();
    }
  }

  #nodes(asked: 0 | 1): readonly [NodeBelief, ...NodeBelief[]] {
    const node = (index: number): NodeBelief => {
      const primary = this.#split ? index === asked : index === this.#primary;
      return {
        name: `ns${String(index + 1)}`,
        address: `192.0.2.${String(index + 1)}`,
        role: primary ? "Primary" : this.#split ? "UNKNOWN" : "Secondary",
        masterState: primary ? "PRIMARY" : this.#split ? "UNKNOWN" : "SECONDARY",
        health: "UP",
      };
    };
    return this.#options.haPair === true ? [node(asked), node(1 - asked)] : [node(0)];
  }
}
