import type { AdcService } from "../../src/model/adc-service.ts";
import { rowOf } from "../../src/adc/fields.ts";
import {
  BACKEND_TLS_FIELDS,
  CERT_KEY_BINDING_FIELDS,
  CERT_KEY_FIELDS,
  CLIENT_AUTH_FIELDS,
  SSL_PROFILE_FIELDS,
  SSL_PROFILE_REFERENCE_FIELDS,
  TLS_VERSION_FIELDS,
} from "../../src/adc/tls-fields.ts";
import type { BackendTls } from "../../src/model/tls-settings.ts";
import type { Vserver } from "../../src/model/vserver.ts";
import type { NitroBackend } from "./backend.ts";
import { double, type Row } from "./wire-values.ts";

export function* certKeyRows({ estate }: NitroBackend): Generator<Row> {
  for (const certKey of estate().certKeys.values()) {
    yield {
      certkey: certKey.name,
      ...rowOf(CERT_KEY_FIELDS, certKey),
      status: (certKey.daysToExpiration ?? 0) < 0 ? "Expired" : "Valid",
    };
  }
}

export function* sslVserverRows({ estate }: NitroBackend): Generator<Row> {
  for (const vserver of sslVservers(estate())) {
    yield {
      vservername: vserver.name,
      ...rowOf(TLS_VERSION_FIELDS, vserver.tls),
      ...rowOf(SSL_PROFILE_REFERENCE_FIELDS, vserver),
      ...rowOf(CLIENT_AUTH_FIELDS, vserver),
    };
  }
  for (const { name } of estate().authenticationVservers.values()) {
    yield { vservername: name };
  }
}

export function* sslVserverCertKeyRows({ estate }: NitroBackend): Generator<Row> {
  for (const vserver of [...sslVservers(estate()), ...estate().authenticationVservers.values()]) {
    for (const binding of vserver.certKeys) {
      yield {
        vservername: vserver.name,
        certkeyname: binding.certKey,
        ...rowOf(CERT_KEY_BINDING_FIELDS, binding),
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
          ...rowOf(SSL_PROFILE_REFERENCE_FIELDS, service.tls),
        };
      }
    }
  };
}

export function sslServiceCertKeyRows(
  kind: AdcService["kind"],
): (backend: NitroBackend) => Generator<Row> {
  return function* ({ estate }) {
    for (const { name, kind: own, clientCertificate } of estate().services.values()) {
      if (own === kind && clientCertificate !== undefined) {
        const key = kind === "service" ? "servicename" : "servicegroupname";
        yield { [key]: name, certkeyname: clientCertificate, ca: false, snicert: false };
      }
    }
  };
}

export function* monitorCertKeyRows({ estate }: NitroBackend): Generator<Row> {
  for (const { name, written } of estate().monitors.values()) {
    for (const certkeyname of written.get("certkeyname") ?? []) {
      yield { monitorname: name, certkeyname, ca: false };
    }
  }
}

export function* sslProfileRows({ estate }: NitroBackend): Generator<Row> {
  for (const profile of estate().sslProfiles.values()) {
    yield {
      name: profile.name,
      ...rowOf(SSL_PROFILE_FIELDS, profile),
      ...rowOf(CLIENT_AUTH_FIELDS, profile),
      ...backendRow(profile),
    };
  }
}

function backendRow(tls: Omit<BackendTls, "sslProfile">): Row {
  return {
    ...rowOf(TLS_VERSION_FIELDS, tls.versions),
    ...rowOf(BACKEND_TLS_FIELDS, tls),
    dh: "DISABLED",
    dhcount: double(0),
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
