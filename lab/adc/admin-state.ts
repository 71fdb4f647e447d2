import { memberKey } from "../../src/model/adc-state.ts";
import type { AdcService, Member } from "../../src/model/adc-service.ts";
import type { Estate, Server } from "../../src/model/estate.ts";

/** What an administrator has enabled and disabled since the configuration was loaded. */
export class AdminState {
  readonly #loaded: Estate;
  readonly #servers = new Map<string, boolean>();
  readonly #services = new Map<string, boolean>();
  readonly #members = new Map<string, boolean>();
  readonly #vservers = new Map<string, boolean>();
  #estate: Estate | null = null;

  constructor(loaded: Estate) {
    this.#loaded = loaded;
  }

  setServer(name: string, enabled: boolean): void {
    this.#servers.set(name, enabled);
    this.#estate = null;
  }

  setService(name: string, enabled: boolean): void {
    this.#services.set(name, enabled);
    this.#estate = null;
  }

  setMember(member: Member, enabled: boolean): void {
    this.#members.set(keyOf(member), enabled);
    this.#estate = null;
  }

  setVserver(name: string, enabled: boolean): void {
    this.#vservers.set(name, enabled);
    this.#estate = null;
  }

  /** Member, service and server are all enabled. */
  allows(member: Member): boolean {
    const service = this.#loaded.services.get(member.adcService);
    return (
      this.#serverEnabled(member.server) &&
      this.#serviceEnabled(service) &&
      this.#memberEnabled(member)
    );
  }

  /** The current configuration. */
  estate(): Estate {
    this.#estate ??= this.#applied();
    return this.#estate;
  }

  #applied(): Estate {
    const loaded = this.#loaded;
    return {
      ...loaded,
      servers: mapped(loaded.servers, (server: Server) => ({
        ...server,
        enabled: this.#serverEnabled(server.name),
      })),
      services: mapped(loaded.services, (service: AdcService) => ({
        ...service,
        enabled: this.#serviceEnabled(service),
        members: service.members.map((member) => ({ ...member, enabled: this.allows(member) })),
      })),
      lbVservers: mapped(loaded.lbVservers, (vserver) => ({
        ...vserver,
        enabled: this.#vservers.get(vserver.name) ?? vserver.enabled,
      })),
      csVservers: mapped(loaded.csVservers, (vserver) => ({
        ...vserver,
        enabled: this.#vservers.get(vserver.name) ?? vserver.enabled,
      })),
    };
  }

  #serverEnabled(name: string): boolean {
    return this.#servers.get(name) ?? this.#loaded.servers.get(name)?.enabled ?? true;
  }

  #serviceEnabled(service: AdcService | undefined): boolean {
    return service === undefined || (this.#services.get(service.name) ?? service.enabled);
  }

  /** A member that is disabled itself, not through its service or server. */
  #memberEnabled(member: Member): boolean {
    const loadedServer = this.#loaded.servers.get(member.server)?.enabled ?? true;
    const loadedService = this.#loaded.services.get(member.adcService)?.enabled ?? true;
    return this.#members.get(keyOf(member)) ?? (member.enabled || !loadedServer || !loadedService);
  }
}

function keyOf(member: Member): string {
  return memberKey(member.adcService, member.server, member.port);
}

function mapped<T>(
  entries: ReadonlyMap<string, T>,
  change: (value: T) => T,
): ReadonlyMap<string, T> {
  return new Map([...entries].map(([name, value]) => [name, change(value)]));
}
