import { describe, expect, test } from "vitest";
import type { BackendTls, SslProfile, TlsVersions } from "../../../src/model/tls-settings.ts";
import {
  monitorTlsSettings,
  type MonitorTlsSources,
} from "../../../src/probes/monitors/monitor-tls.ts";

const UNSAID: TlsVersions = { ssl3: null, tls1: null, tls11: null, tls12: null, tls13: null };

function service(
  versions: Partial<TlsVersions> = {},
  change: Partial<BackendTls> = {},
): BackendTls {
  return {
    versions: { ...UNSAID, ...versions },
    sniEnabled: false,
    commonName: null,
    serverAuth: false,
    sslProfile: null,
    ...change,
  };
}
function profile(
  name: string,
  versions: Partial<TlsVersions>,
  change: Partial<BackendTls> = {},
): SslProfile {
  const noClientAuth = { clientAuth: false, clientCertificate: null };
  return { ...service(versions, change), ...noClientAuth, name, backEnd: true, line: null };
}
const none: MonitorTlsSources = {
  service: null,
  serviceProfile: null,
  monitorProfile: null,
  firmware: null,
  override: null,
};
const firmware = (major: number, minor: number) => ({ major, minor, text: `NS${major}.${minor}` });

type Row = readonly [
  name: string,
  sources: Partial<MonitorTlsSources>,
  min: string,
  max: string,
  source: RegExp,
];
describe("monitorTlsSettings", () => {
  test.each<Row>([
    ["nothing is known", {}, "TLSv1", "TLSv1.2", /unknown firmware; no SNI/],
    ["the firmware is 9.3", { firmware: firmware(9, 3) }, "TLSv1", "TLSv1", /firmware 9\.3/],
    ["the firmware is 13.1", { firmware: firmware(13, 1) }, "TLSv1", "TLSv1.2", /firmware 13\.1/],
    [
      "monitor_tls overrides it",
      { override: { min: "TLSv1.2", max: "TLSv1.3" } },
      "TLSv1.2",
      "TLSv1.3",
      /from monitor_tls/,
    ],
    [
      "the service disables TLS 1.0 and 1.1",
      { service: service({ tls1: false, tls11: false }) },
      "TLSv1.2",
      "TLSv1.2",
      /at the service/,
    ],
    [
      "the service enables TLS 1.3",
      { service: service({ tls13: true }) },
      "TLSv1",
      "TLSv1.3",
      /at the service/,
    ],
    [
      "the service's profile overrides the service",
      { service: service({ tls13: true }), serviceProfile: profile("be", { tls1: false }) },
      "TLSv1.1",
      "TLSv1.2",
      /service's profile be/,
    ],
    [
      "the monitor's profile overrides both",
      {
        serviceProfile: profile("be", { tls1: false }),
        monitorProfile: profile("mon", { tls11: false, tls12: false }),
      },
      "TLSv1",
      "TLSv1",
      /monitor's profile mon/,
    ],
  ])("gives the expected version range when %s", (_name, sources, min, max, source) => {
    const result = monitorTlsSettings({ ...none, ...sources });
    expect(result.settings).toMatchObject({
      minVersion: min,
      maxVersion: max,
      rejectUnauthorized: false,
    });
    expect(result.settings.legacy).toBe(min < "TLSv1.2");
    expect(result.source).toMatch(source);
  });

  test("sends SNI only when it is enabled and has a name", () => {
    const named = { commonName: "mail.example.com" };
    expect(
      monitorTlsSettings({ ...none, service: service({}, named) }).settings.serverName,
    ).toBeNull();
    const enabled = service({}, { ...named, sniEnabled: true });
    expect(monitorTlsSettings({ ...none, service: enabled })).toMatchObject({
      settings: { serverName: "mail.example.com", expectedNames: ["mail.example.com"] },
      source: expect.stringContaining("SNI mail.example.com") as string,
    });
  });
});
