import { randomBytes } from "node:crypto";
import type { AdcService } from "../src/model/adc-service.ts";
import type { Estate } from "../src/model/estate.ts";
import { parseNsConf } from "../src/adc/nsconf/import.ts";
import { LAB_GROUPS, monitorAccount, monitorCredentials } from "./accounts.ts";
import { AddressMap } from "./adc/address-map.ts";
import { Appliance } from "./adc/appliance.ts";
import type { AaaOptions } from "./adc/aaa/options.ts";
import type { CertificateAndKey } from "./adc/front/termination.ts";
import { CERTIFICATE_NAMES, labCa, labCertificate } from "./certificates/lab-certificate.ts";
import { demoConf } from "./demo-conf.ts";
import type { DirectoryServer } from "./exchange/directory.ts";
import type {
  ExchangeServer,
  ExchangeServerOptions,
  LabAccount,
  Organisation,
} from "./exchange/exchange-server.ts";
import { clientNames, pingedHosts, serverRoles } from "./network.ts";
import { servedAsRecorded, servedBy, type ServedManagement } from "./management.ts";
import { serveNitro, type NitroServer, type NitroServerOptions } from "./nitro/server.ts";
import { recordedCertificates, setRecordedConditions, type RecordedAdc } from "./recorded-lab.ts";
import {
  playScenario,
  type Declare,
  type Scenario,
  type ScenarioRun,
  type ScenarioStep,
} from "./scenario.ts";
import { scenario, type ScenarioName } from "./scenarios.ts";
import { startServers } from "./servers.ts";

export interface LabOptions {
  /** Default: lab/demo.conf. */
  readonly confText?: string;
  /** Default `healthy`. Its steps begin only with `play`. */
  readonly scenario?: ScenarioName | Scenario;
  /** Multiplies every duration of the ns.conf on the ADC, and the scenario's times. Default 1: as in the file. */
  readonly timeScale?: number;
  /** Changes of single Exchange servers, by name. */
  readonly exchange?: Readonly<Record<string, Partial<ExchangeServerOptions>>>;
  /**
   * Maximum number of Exchange servers to start, for large estates. Each then serves for several servers of the
   * ns.conf. Default: one for each.
   */
  readonly sharedServers?: number;
  /** NITRO over TLS, with the lab's `adc` certificate. Default true. */
  readonly nitroTls?: boolean;
  readonly nitro?: Partial<NitroServerOptions>;
  /** Two nodes. Default: what the scenario needs. */
  readonly haPair?: boolean;
  readonly aaa?: Partial<AaaOptions>;
  /** Recorded appliances: their rows are served as recorded, and servers behave as the recorded probes saw them. */
  readonly recorded?: readonly [RecordedAdc, ...RecordedAdc[]];
}

/** An ADC and its Exchange servers on loopback. */
export interface Lab {
  /** One for each node, for example `https://127.0.0.1:40123`. */
  readonly nitroUrls: readonly string[];
  readonly nitroCredentials: { readonly username: string; readonly password: string };
  readonly nitro: readonly NitroServer[];
  readonly confText: string;
  /** The whole lab network, as `connect_to` of a configuration. */
  readonly connectTo: Readonly<Record<string, string>>;
  readonly adc: Appliance;
  /** The ADC of another site, with its own management; null: there is only one. */
  readonly far: { readonly adc: Appliance; readonly nitro: NitroServer } | null;
  readonly servers: ReadonlyMap<string, ExchangeServer>;
  /** The domain controllers: DNS, NTP, LDAP. */
  readonly directories: ReadonlyMap<string, DirectoryServer>;
  readonly organisation: Organisation;
  readonly accounts: readonly LabAccount[];
  /** The account of the guides' POP3 monitor. */
  readonly monitorAccount: LabAccount;
  /** By monitor: the ADC's credential, which the ns.conf contains encrypted. */
  readonly monitorCredentials: Readonly<
    Record<string, { readonly username: string; readonly password: string }>
  >;
  /** PEM of the issuer of every certificate in the lab. */
  readonly ca: string;
  readonly scenario: Scenario;
  /** The appliances that it plays back, by the names under which they were recorded; empty: its own. */
  readonly recorded: readonly { readonly adc: string; readonly nitroUrls: readonly string[] }[];
  /** Changes what authentication on the ADC does. */
  readonly changeAaa: (change: Partial<AaaOptions>) => void;
  /** Runs the scenario's steps; calls `tell` at the start of each, and `declare` for a maintenance declaration. */
  play(tell?: (step: ScenarioStep) => void, declare?: Declare): ScenarioRun;
  close(): Promise<void>;
}

const SETTLE_DEADLINE_MS = 30_000;
const SETTLE_PER_MEMBER_MS = 20;
const HEALTH_CACHE_MS = 2_000;

/**
 * Starts the lab and resolves when the ADC has a state for every member. Rejects if a server of the ns.conf cannot be
 * started.
 */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const story =
    typeof options.scenario === "object"
      ? options.scenario
      : scenario(options.scenario ?? "healthy");
  const [recorded, ...others] = options.recorded ?? [];
  const text = recorded === undefined ? (options.confText ?? demoConf()) : "";
  const confText = story.conf?.(text) ?? text;
  const estate = recorded?.estate ?? parseNsConf(confText, { adc: "lab" });
  const timeScale = options.timeScale ?? 1;
  const started: { close(): Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(started.splice(0).map((each) => each.close()));
  };
  try {
    const addresses = new AddressMap();
    const farEstate =
      story.farConf === undefined ? null : parseNsConf(story.farConf, { adc: "far" });
    const { organisation, servers, directories } = await startServers(
      [...(farEstate === null ? [] : [farEstate]), ...others.map((one) => one.estate)].reduce(
        bothEstates,
        estate,
      ),
      { ...options, every: story.exchange ?? {}, healthCacheMs: HEALTH_CACHE_MS * timeScale },
      addresses,
      started,
    );

    const credentials = monitorCredentials(estate);
    let aaa: AaaOptions = { ...labAaa(organisation), ...options.aaa };
    const adc = new Appliance({
      estate,
      addresses,
      certificate: certificateOfFile,
      monitorPassword: (monitor) => credentials[monitor]?.password ?? null,
      timeScale,
      aaa,
      haPair: options.haPair ?? story.haPair ?? false,
      wildcardPorts: [135, ...serverRoles(estate).flatMap(({ rpcPort }) => rpcPort ?? [])],
      ...(story.backendTls === undefined ? {} : { backendTls: story.backendTls }),
    });
    started.push(adc);
    await adc.start();
    const farAdc =
      farEstate === null
        ? null
        : new Appliance({
            estate: farEstate,
            addresses,
            certificate: certificateOfFile,
            timeScale,
          });
    if (farAdc !== null) {
      started.push(farAdc);
      await farAdc.start();
      adc.setPeers([farAdc]);
      farAdc.setPeers([adc]);
    }
    mapClientNames(clientNames(estate), estate.csVservers.values(), addresses);

    const nitroCredentials = { username: "adc-witness", password: randomBytes(12).toString("hex") };
    const management = labCertificate("adc");
    const nitro: NitroServer[] = [];
    const isPair = options.haPair ?? story.haPair ?? false;
    const sources =
      recorded?.nodes.map(servedAsRecorded) ??
      (isPair ? [adc.nitro(0), adc.nitro(1)] : [adc.nitro(0)]).map((node) =>
        servedBy(story.management, node),
      );
    const serve = async (served: ServedManagement): Promise<NitroServer> => {
      const server = await serveNitro(served.source, {
        ...nitroCredentials,
        tls:
          options.nitroTls === false ? null : { key: management.key, cert: management.certificate },
        ...served.options,
        ...options.nitro,
      });
      started.push(server);
      return server;
    };
    for (const source of sources) {
      nitro.push(await serve(source));
    }
    const played: Lab["recorded"][number][] = [];
    for (const one of options.recorded ?? []) {
      const own =
        one === recorded
          ? adc
          : new Appliance({
              estate: one.estate,
              addresses,
              certificate: certificateOfFile,
              timeScale,
            });
      const urls = one === recorded ? nitro.map(({ url }) => url) : [];
      if (own !== adc) {
        started.push(own);
        await own.start();
        for (const source of one.nodes) {
          urls.push((await serve(servedAsRecorded(source))).url);
        }
        await settled(own, SETTLE_DEADLINE_MS);
      }
      await setRecordedConditions(one.probes, servers);
      for (const [vserver, certificate] of recordedCertificates(one)) {
        own.setCertificate(vserver, certificate);
      }
      played.push({ adc: one.adc, nitroUrls: urls });
    }
    let far: Lab["far"] = null;
    if (farAdc !== null) {
      const server = await serve(servedBy(undefined, farAdc.nitro()));
      far = { adc: farAdc, nitro: server };
      await settled(farAdc, SETTLE_DEADLINE_MS);
    }
    await settled(adc, SETTLE_DEADLINE_MS + SETTLE_PER_MEMBER_MS * adc.members().length);

    const pings = Object.fromEntries(pingedHosts(estate).map((host) => [host, "127.0.0.1"]));
    const runs: ScenarioRun[] = [];
    const changeAaa = (change: Partial<AaaOptions>): void => {
      aaa = { ...aaa, ...change };
      adc.setAaa(aaa);
    };
    return {
      nitroUrls: nitro.map(({ url }) => url),
      nitroCredentials,
      nitro,
      confText,
      connectTo: { ...addresses.toConnectTo(), ...pings },
      adc,
      far,
      servers,
      directories,
      organisation,
      accounts: organisation.accounts,
      monitorAccount: monitorAccount(),
      monitorCredentials: credentials,
      ca: labCa(),
      scenario: story,
      recorded: played,
      changeAaa,
      play: (tell = () => undefined, declare = () => Promise.resolve()) => {
        const world = {
          adc,
          farAdc,
          organisation,
          server: (name: string): ExchangeServer => {
            const server = servers.get(name);
            if (server === undefined) {
              throw new Error(`The lab has no server ${name}.`);
            }
            return server;
          },
          nitro,
          changeAaa,
          declare,
        };
        const run = playScenario(story, world, { timeScale, tell });
        runs.push(run);
        return run;
      },
      close: async () => {
        for (const run of runs) {
          run.stop();
        }
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The servers of both ADCs, which are started alike; of two with one name that of the first. */
function bothEstates(one: Estate, other: Estate): Estate {
  return {
    ...one,
    servers: new Map([
      ...one.servers,
      ...[...other.servers].filter(([name]) => !one.servers.has(name)),
    ]),
    services: new Map([...one.services, ...farServices(other)]),
    monitors: new Map([...other.monitors, ...one.monitors]),
  };
}

/** Two ADCs may use the same service names. */
function farServices({ adc, services }: Estate): (readonly [string, AdcService])[] {
  return [...services].map(([name, service]) => [`${adc} ${name}`, service]);
}

function labAaa(organisation: Organisation): AaaOptions {
  return {
    authenticate: (username, password) => {
      const result = organisation.authenticate(username, password, {
        server: "adc",
        protocol: "ldap",
      });
      return result.kind === "accepted"
        ? { groups: LAB_GROUPS.get(result.account.username) ?? [] }
        : null;
    },
    sso: "form",
    secondFactor: false,
    largePostLimitBytes: null,
  };
}

/** Certificate files of the lab by their names; any other file name is the mail certificate. */
function certificateOfFile(file: string): CertificateAndKey | null {
  const name = CERTIFICATE_NAMES.find((known) => `${known}.pem` === file);
  return file === "" ? null : labCertificate(name ?? "mail");
}

function mapClientNames(
  names: readonly string[],
  vservers: Iterable<{ readonly address: string | null; readonly port: number | "*" | null }>,
  addresses: AddressMap,
): void {
  for (const { address, port } of vservers) {
    const endpoint = address === null || port === null ? null : addresses.find(address, port);
    if (endpoint !== null && port !== null) {
      for (const name of names) {
        addresses.add(name, port, endpoint);
      }
    }
  }
}

async function settled(adc: Appliance, deadlineMs: number): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!adc.settled && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
