import type { Socket } from "node:net";
import { ByteSource } from "../byte-source.ts";
import type { MemberRuntime, ServedConnection } from "../member-runtime.ts";

/** The connection to one member that belongs to one client connection: NTLM authenticates connections, so none is shared. */
export interface Upstream {
  readonly member: MemberRuntime;
  readonly socket: Socket;
  readonly source: ByteSource;
}

/** The upstream connections of one client connection. */
export class UpstreamSet {
  readonly #open: (member: MemberRuntime) => Promise<Socket>;
  readonly #served: ServedConnection;
  readonly #upstreams = new Map<MemberRuntime, Upstream>();
  #authenticated: MemberRuntime | null = null;

  constructor(open: (member: MemberRuntime) => Promise<Socket>, flush: () => void) {
    this.#open = open;
    this.#served = { flush };
  }

  /** The connection to this member, opened when there is none. Throws ConnectFailure. */
  async to(member: MemberRuntime): Promise<Upstream> {
    const known = this.#upstreams.get(member);
    if (known !== undefined && !known.socket.destroyed && !known.source.ended) {
      return known;
    }
    // A separate connection to count: several members may serve one client.
    const release = member.serve({ ...this.#served });
    try {
      const socket = await this.#open(member);
      const upstream = { member, socket, source: new ByteSource(socket) };
      this.#upstreams.set(member, upstream);
      socket.on("close", () => {
        release();
        this.drop(upstream);
      });
      return upstream;
    } catch (error) {
      release();
      throw error;
    }
  }

  /**
   * Who serves the next request. NTLM and Negotiate authenticate a connection, not a request: from the first such
   * header on, this client stays with its server, as long as that server serves the same service group and accepts
   * clients.
   */
  keptWith(choice: MemberRuntime, authorization: string | null): MemberRuntime {
    const kept = this.#authenticated;
    const member =
      kept?.takesBoundClients === true && kept.member.adcService === choice.member.adcService
        ? kept
        : choice;
    if (/^(NTLM|Negotiate)\b/i.test(authorization ?? "")) {
      this.#authenticated = member;
    }
    return member;
  }

  drop(upstream: Upstream): void {
    upstream.socket.destroy();
    if (this.#upstreams.get(upstream.member) === upstream) {
      this.#upstreams.delete(upstream.member);
    }
  }

  close(): void {
    for (const upstream of [...this.#upstreams.values()]) {
      this.drop(upstream);
    }
  }
}
