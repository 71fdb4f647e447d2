export const NITRO_ACCOUNT = { username: "adc-witness", password: "bench" };

/** An ns.conf of groups `sg0`, `sg1` … with the servers `ex0`, `ex1` … and two monitors each. */
export function nitroConf(groups: number, membersOfGroup: number): string {
  return [
    "#NS13.1 Build 37.38",
    ...range(membersOfGroup, (i) => `add server ex${i} 10.0.0.${String(Number(i) + 1)}`),
    "add lb monitor m1 TCP-ECV -recv ready",
    'add lb monitor m2 HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK" -secure YES',
    ...range(groups, (g) =>
      [
        `add serviceGroup sg${g} SSL`,
        `add lb vserver v${g} SSL 10.1.0.${String(Number(g) + 1)} 443`,
        `bind lb vserver v${g} sg${g}`,
        ...range(
          membersOfGroup,
          (i) => `bind serviceGroup sg${g} ex${i} ${String(1000 + Number(g))}`,
        ),
        `bind serviceGroup sg${g} -monitorName m1`,
        `bind serviceGroup sg${g} -monitorName m2`,
      ].join("\n"),
    ),
  ].join("\n");
}

function range(count: number, line: (index: string) => string): string[] {
  return Array.from({ length: count }, (_, index) => line(String(index)));
}
