import type { ServerTrust } from "../../config/schema.ts";
import type { Member } from "../../estate/adc-service.ts";
import type { TransactionSpec } from "../../probes/transactions/spec.ts";
import { looksAtPath } from "../../probes/transactions/web-paths.ts";
import { anonymousSpec, clientTls, takesOldTls } from "./look-probes.ts";
import { loginTls, memberPlace, vserverPlace, type LoginPlace } from "./login-tls.ts";
import type { RunAtService } from "./path-routes.ts";
import { MAPPER_PORT } from "./transaction-ports.ts";
import type { VipReach } from "./vip-reach.ts";

/** The way through the ADC, and the load-balancing vserver it leads to. */
export interface Through {
  readonly reach: VipReach;
  readonly vserver: string;
}

/** What a configured transaction asks and how, at a member or through the ADC. */
export function specOf(
  at: RunAtService,
  member: Member | undefined,
  host: string,
  security: TransactionSpec["security"],
  adc: TransactionSpec["adc"],
  through?: Through,
): TransactionSpec {
  const { run, settings, service, recognise } = at;
  const reach = through?.reach;
  const recognition =
    member === undefined
      ? { version: null, protocol: null, path: null, security }
      : recognise(service, member);
  const own = at.vservers
    .map((name) => settings.vservers.get(name))
    .find((each) => each !== undefined);
  const account = run.account === null ? null : (settings.accounts.get(run.account) ?? null);
  const tls = clientTls(
    host,
    takesOldTls(run.transaction, recognition.version, reach?.port ?? member?.port ?? "*"),
    own?.ca ?? null,
    reach?.name ? [reach.name] : (own?.names ?? []),
  );
  return {
    ...anonymousSpec(run.transaction, recognition),
    security,
    path: run.path ?? (looksAtPath(run.transaction) ? (reach?.path ?? recognition.path) : null),
    tls:
      security === "none"
        ? null
        : account === null
          ? tls
          : loginTls(tls, placeOf(at, member, host, through, account)),
    host,
    account,
    allowPlaintext: run.allowPlaintext,
    expect: run.expect,
    adc,
    options:
      run.transaction === "rpc_endpoint_map"
        ? { ...monitoredPorts(at), ...run.options }
        : run.options,
  };
}

/** What is said of the place, and last of the account. */
function placeOf(
  { settings, vservers }: RunAtService,
  member: Member | undefined,
  host: string,
  through: Through | undefined,
  account: ServerTrust,
): LoginPlace {
  const { trusts, names } =
    through !== undefined
      ? vserverPlace(settings, through.vserver, through.reach.entry.name, [through.reach.name])
      : member === undefined
        ? { trusts: [], names: [] }
        : memberPlace(settings, member, vservers);
  return { trusts: [...trusts, account], names: [host, ...names] };
}

/** The static ports that the ADC's monitors ask at: what the endpoint mapper has to name. */
function monitoredPorts({ estate, service }: RunAtService): TransactionSpec["options"] {
  const ports = service.monitors
    .flatMap(({ monitor }) => estate.monitors.get(monitor)?.destPort ?? [])
    .filter((port) => port !== MAPPER_PORT);
  return ports.length === 0 ? {} : { expected_port: [...new Set(ports)].join(",") };
}
