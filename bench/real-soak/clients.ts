import { get } from "node:http";
import { textOf } from "../our-agent.ts";

const READ_EVENTS_FOR_MS = 200;

/** The requests of clients to a running agent, in turn: scrapes, the page, the API, an event stream that is aborted. */
export class Clients {
  readonly #url: string;
  readonly #token: string;
  readonly #reloadEvery: number;
  #turn = 0;
  requests = 0;
  reloads = 0;

  /** The configuration is reloaded after this many turns. */
  constructor(url: string, token: string, reloadEvery: number) {
    this.#url = url;
    this.#token = token;
    this.#reloadEvery = reloadEvery;
  }

  async ask(): Promise<void> {
    const paths = ["/", "/api/v1/verdicts", "/api/v1/estate", "/sd/targets", "/api/v1/maintenance"];
    this.#turn += 1;
    await textOf(`${this.#url}/metrics`);
    await textOf(`${this.#url}${paths[this.#turn % paths.length] ?? "/"}`);
    await this.#watchEvents();
    this.requests += 3;
    if (this.#turn % this.#reloadEvery === 0) {
      const response = await fetch(`${this.#url}/-/reload`, {
        method: "POST",
        headers: { authorization: `Bearer ${this.#token}` },
      });
      if (!response.ok) {
        throw new Error(`reload: ${String(response.status)} ${await response.text()}`);
      }
      this.reloads += 1;
    }
  }

  /** Opens the event stream as a page does, and disconnects during it. */
  #watchEvents(): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = get(`${this.#url}/api/v1/events`, { agent: false }, (response) => {
        response.on("error", () => undefined);
        response.resume();
        setTimeout(() => {
          request.destroy();
          resolve();
        }, READ_EVENTS_FOR_MS);
      });
      request.on("error", reject);
    });
  }
}
