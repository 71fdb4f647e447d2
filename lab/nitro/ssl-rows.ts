import type { AdcService } from "../../src/model/adc-service.ts";
import type { BackendTls, TlsVersions } from "../../src/model/tls-parameters.ts";
import type { Vserver } from "../../src/model/vserver.ts";
import type { NitroBackend } from "./backend.ts";
import { double, enabledDisabled, optional, optionalEnabled, type Row } from "./wire-values.ts";

export function* certKeyRows({ estate }: NitroBackend): Generator<Row> {
  for (const certKey of estate().certKeys.values()) {
    yield {
      certkey: certKey.name,
      cert: optional(certKey.certificateFile),
      key: optional(certKey.keyFile),
      linkcertkeyname: optional(certKey.linkedTo),
      serial: optional(certKey.serial),
      subject: optional(certKey.subject),
      daystoexpiration: optional(certKey.daysToExpiration),
      status: (certKey.daysToExpiration ?? 0) < 0 ? "Expired" : "Valid",
    };
  }
}

export function* sslVserverRows({ estate }: NitroBackend): Generator<Row> {
  for (const vserver of sslVservers(estate())) {
    yield {
      vservername: vserver.name,
      ...versionsRow(vserver.tls),
      sslprofile: optional(vserver.sslProfile),
    };
  }
}

export function* sslVserverCertKeyRows({ estate }: NitroBackend): Generator<Row> {
  for (const vserver of sslVservers(estate())) {
    for (const binding of vserver.certKeys) {
      yield {
        vservername: vserver.name,
        certkeyname: binding.certKey,
        snicert: binding.sni,
        ca: binding.ca,
        cleartextport: 0,
      };
    }
  }
}

export function sslServiceRows(
  kind: AdcService["kind"],
): (backend: NitroBackend) => Generator<Row> {
  return function* ({ estate }) {
    for (const service of estate().services.values()) {
      if (service.kind === kind && /SSL|TLS/.test(service.serviceType)) {
        yield {
          [kind === "service" ? "servicename" : "servicegroupname"]: service.name,
          ...backendRow(service.tls),
          sslprofile: optional(service.tls.sslProfile),
        };
      }
    }
  };
}

export function* sslProfileRows({ estate }: NitroBackend): Generator<Row> {
  for (const profile of estate().sslProfiles.values()) {
    yield {
      name: profile.name,
      sslprofiletype: profile.backEnd ? "BackEnd" : "FrontEnd",
      ...backendRow(profile),
    };
  }
}

function backendRow(tls: Omit<BackendTls, "sslProfile">): Row {
  return {
    ...versionsRow(tls.versions),
    snienable: enabledDisabled(tls.sniEnabled),
    commonname: optional(tls.commonName),
    serverauth: enabledDisabled(tls.serverAuth),
    dh: "DISABLED",
    dhcount: double(0),
  };
}

function versionsRow(versions: TlsVersions): Row {
  return {
    ssl3: optionalEnabled(versions.ssl3),
    tls1: optionalEnabled(versions.tls1),
    tls11: optionalEnabled(versions.tls11),
    tls12: optionalEnabled(versions.tls12),
    tls13: optionalEnabled(versions.tls13),
  };
}

function* sslVservers({
  lbVservers,
  csVservers,
}: {
  readonly lbVservers: ReadonlyMap<string, Vserver>;
  readonly csVservers: ReadonlyMap<string, Vserver>;
}): Generator<Vserver> {
  for (const vserver of [...lbVservers.values(), ...csVservers.values()]) {
    if (/^SSL|TLS/.test(vserver.serviceType) && vserver.serviceType !== "SSL_BRIDGE") {
      yield vserver;
    }
  }
}
