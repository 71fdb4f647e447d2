import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyShard, componentsOf, shardOf } from "../../src/agent/shard.ts";
import type { Estate } from "../../src/model/estate.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";

/** Service groups with servers of a small pool, LB vservers over them, content switching over those, and backups. */
const layouts = fc
  .record({
    groups: fc.array(fc.uniqueArray(fc.nat(12), { maxLength: 4 }), { minLength: 1, maxLength: 8 }),
    lbs: fc.array(fc.uniqueArray(fc.nat(7), { maxLength: 3 }), { maxLength: 8 }),
    switches: fc.array(fc.uniqueArray(fc.nat(7), { maxLength: 3 }), { maxLength: 3 }),
    backups: fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 3 }),
  })
  .map(estateOf);

type Layout = {
  readonly groups: readonly (readonly number[])[];
  readonly lbs: readonly (readonly number[])[];
  readonly switches: readonly (readonly number[])[];
  readonly backups: readonly (readonly [number, number])[];
};

function estateOf({ groups, lbs, switches, backups }: Layout): Estate {
  const servers = new Set(groups.flat());
  const lines = [
    ...[...servers].map((server) => `add server s${String(server)} 192.0.2.${String(server + 1)}`),
    ...groups.flatMap((members, group) => [
      `add serviceGroup g${String(group)} SSL`,
      ...members.map((server) => `bind serviceGroup g${String(group)} s${String(server)} 443`),
    ]),
    ...lbs.flatMap((bound, lb) => [
      `add lb vserver v${String(lb)} SSL 0.0.0.0 0`,
      ...bound
        .filter((group) => group < groups.length)
        .map((group) => `bind lb vserver v${String(lb)} g${String(group)}`),
    ]),
    ...backups
      .filter(([one, other]) => one !== other && one < lbs.length && other < lbs.length)
      .map(([one, other]) => `set lb vserver v${String(one)} -backupVServer v${String(other)}`),
    ...switches.flatMap((targets, index) => [
      `add cs vserver c${String(index)} SSL 203.0.113.${String(index + 1)} 443`,
      ...targets
        .filter((lb) => lb < lbs.length)
        .flatMap((lb) => [
          `add cs policy p${String(index)}_${String(lb)} -rule true`,
          `bind cs vserver c${String(index)} -policyName p${String(index)}_${String(lb)} -targetLBVserver v${String(lb)} -priority ${String(lb + 1)}`,
        ]),
    ]),
  ];
  return parseNsConf(lines.join("\n"), { adc: "prod" });
}

const counts = fc.integer({ min: 1, max: 9 });

function sharesOf(estate: Estate, count: number): Estate[] {
  return Array.from({ length: count }, (_, index) => applyShard(estate, { index, count }));
}

describe("shards of an estate", () => {
  test("are disjoint and complete", () => {
    fc.assert(
      fc.property(layouts, counts, (estate, count) => {
        for (const part of ["services", "lbVservers", "csVservers"] as const) {
          const names = sharesOf(estate, count).flatMap((share) => [...share[part].keys()]);
          expect(names.sort()).toEqual([...estate[part].keys()].sort());
        }
      }),
    );
  });

  test("keep every vserver with all its services, targets and backup, and every server:port, in one shard", () => {
    fc.assert(
      fc.property(layouts, counts, (estate, count) => {
        const homes = new Map<string, number>();
        sharesOf(estate, count).forEach((share, index) => {
          for (const lb of share.lbVservers.values()) {
            for (const { service } of lb.services) {
              expect(share.services.has(service)).toBe(true);
            }
            expect(lb.backupVserver === null || share.lbVservers.has(lb.backupVserver)).toBe(true);
          }
          for (const cs of share.csVservers.values()) {
            for (const { target } of cs.targets) {
              expect(target === null || share.lbVservers.has(target)).toBe(true);
            }
          }
          for (const { server, port } of [...share.services.values()].flatMap(
            (one) => one.members,
          )) {
            const endpoint = `${server}:${String(port)}`;
            expect(homes.get(endpoint) ?? index).toBe(index);
            homes.set(endpoint, index);
          }
        });
      }),
    );
  });

  test("move only components to the new shard when one shard is added", () => {
    fc.assert(
      fc.property(fc.string(), counts, (component, count) => {
        const [before, after] = [shardOf(component, count), shardOf(component, count + 1)];
        expect([before, count]).toContain(after);
      }),
    );
  });

  test("do not depend on the order in which the estate is written", () => {
    fc.assert(
      fc.property(layouts, (estate) => {
        const backwards = {
          ...estate,
          services: new Map([...estate.services].reverse()),
          lbVservers: new Map([...estate.lbVservers].reverse()),
          csVservers: new Map([...estate.csVservers].reverse()),
        };
        expect(componentsOf(backwards)).toEqual(componentsOf(estate));
      }),
    );
  });

  test("give the same share when they are applied to a share", () => {
    fc.assert(
      fc.property(layouts, counts, (estate, count) => {
        const [share] = sharesOf(estate, count);
        expect(share && applyShard(share, { index: 0, count }).services).toEqual(share?.services);
      }),
    );
  });

  test("are about equal in size", () => {
    const sizes = [0, 0, 0, 0];
    for (let component = 0; component < 4000; component++) {
      const shard = shardOf(`service sg_${String(component)}`, 4);
      sizes[shard] = (sizes[shard] ?? 0) + 1;
    }
    expect(Math.min(...sizes)).toBeGreaterThan(850);
    expect(Math.max(...sizes)).toBeLessThan(1150);
  });

  test("are the whole estate when there is none or one", () => {
    const estate = estateOf({ groups: [[1]], lbs: [[0]], switches: [], backups: [] });
    expect(applyShard(estate, null)).toBe(estate);
    expect(applyShard(estate, { index: 0, count: 1 })).toBe(estate);
  });
});
