import type { Member } from "../../estate/adc-service.ts";
import type { TransactionSpec } from "../../probes/transactions/spec.ts";
import { looksAtPath } from "../../probes/transactions/web-paths.ts";
import { anonymousSpec, clientTls, takesOldTls } from "./look-probes.ts";
import type { RunAtService } from "./path-routes.ts";
import { MAPPER_PORT } from "./transaction-ports.ts";
import { namesThrough } from "./vip-common.ts";
import type { VipReach } from "./vip-reach.ts";

/** What a configured transaction asks and how, at a member or, with `reach`, through the ADC. */
export function specOf(
  at: RunAtService,
  member: Member | undefined,
  host: string,
  security: TransactionSpec["security"],
  adc: TransactionSpec["adc"],
  reach?: VipReach,
): TransactionSpec {
  const { run, settings, service, recognise } = at;
  const recognition =
    member === undefined
      ? { version: null, protocol: null, path: null, security }
      : recognise(service, member);
  const own = at.vservers
    .map((name) => settings.vservers.get(name))
    .find((each) => each !== undefined);
  return {
    ...anonymousSpec(run.transaction, recognition),
    security,
    path: run.path ?? (looksAtPath(run.transaction) ? (reach?.path ?? recognition.path) : null),
    tls:
      security === "none"
        ? null
        : {
            ...clientTls(
              host,
              takesOldTls(run.transaction, recognition.version, reach?.port ?? member?.port ?? "*"),
              own?.ca ?? null,
              reach?.name ? [reach.name] : (own?.names ?? []),
            ),
            ...(reach === undefined
              ? {}
              : {
                  checkedNames: at.vservers.flatMap((name) => namesThrough(settings, name, reach)),
                }),
          },
    host,
    account: run.account === null ? null : (settings.accounts.get(run.account) ?? null),
    allowPlaintext: run.allowPlaintext,
    expect: run.expect,
    adc,
    options:
      run.transaction === "rpc_endpoint_map"
        ? { ...monitoredPorts(at), ...run.options }
        : run.options,
  };
}

/** The static ports that the ADC's monitors ask at: what the endpoint mapper has to name. */
function monitoredPorts({ estate, service }: RunAtService): TransactionSpec["options"] {
  const ports = service.monitors
    .flatMap(({ monitor }) => estate.monitors.get(monitor)?.destPort ?? [])
    .filter((port) => port !== MAPPER_PORT);
  return ports.length === 0 ? {} : { expected_port: [...new Set(ports)].join(",") };
}
