import type { Estate } from "../../model/estate.ts";
import type { AdnsAddress, GslbDomain, GslbVserver } from "../../model/gslb.ts";
import { type PlannedProbe, probeId } from "./planned-probe.ts";

const ASK_EVERY_MS = 10_000;
const TIMEOUT_MS = 5_000;
/** Questions of one GSLB vserver at most; what is beyond is listed, and not asked. */
const MAX_QUESTIONS = 32;

/** Each name of each GSLB vserver, asked of every address at which the ADC's own DNS answers. */
export function gslbProbes(estate: Estate): PlannedProbe[] {
  const { vservers, adns } = estate.gslb;
  return [...vservers.values()].flatMap((vserver) =>
    vserver.domains
      .flatMap((domain) => adns.map((address) => ({ domain, address })))
      .map(({ domain, address }, at) =>
        question(estate.adc, vserver, domain, address, at >= MAX_QUESTIONS),
      ),
  );
}

function question(
  adc: string,
  vserver: GslbVserver,
  domain: GslbDomain,
  { address, port, transport }: AdnsAddress,
  isTooMuch: boolean,
): PlannedProbe {
  const { shownAs, recordType } = vserver;
  const unsupportedReason =
    recordType === "NAPTR"
      ? "NAPTR records are not asked for"
      : isTooMuch
        ? `more than ${String(MAX_QUESTIONS)} names and DNS addresses`
        : null;
  return {
    id: probeId(adc, "vip", shownAs, `${domain.name} at ${address}`, port, `dns ${transport}`),
    adc,
    vantage: "vip",
    vserver: shownAs,
    vservers: [shownAs],
    adcService: "",
    server: null,
    memberAddress: null,
    memberPort: null,
    address,
    port,
    intervalMs: ASK_EVERY_MS,
    timeoutMs: TIMEOUT_MS,
    type: "dns_lookup",
    source: "agent",
    sourceAddresses: [],
    tlsSource: null,
    note: `asks the ADC's DNS for ${domain.name} over ${transport.toUpperCase()}`,
    action: {
      kind: "transaction",
      transaction: "dns_lookup",
      role: "service",
      account: null,
      run:
        unsupportedReason === null
          ? {
              spec: {
                transaction: "dns_lookup",
                security: "none",
                tls: null,
                host: domain.name,
                path: null,
                account: null,
                allowPlaintext: false,
                expect: "works",
                exchange: null,
                adc: null,
                options: { query: domain.name, type: recordType, transport },
              },
              target: { host: address, port, server: null },
            }
          : null,
      unsupportedReason,
    },
  };
}
