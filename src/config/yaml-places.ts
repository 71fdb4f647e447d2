import { isMap, isNode, isScalar, isSeq, type Document, type Pair, type YAMLMap } from "yaml";
import type { ConfigPath } from "./located-yaml.ts";

/** Where a value stands in the text, and the key before it. */
interface Place {
  readonly key: number | null;
  readonly value: number | null;
}

/**
 * Offset of a path's value, or of its key where `atKey`; of the nearest parent where the path is not written. A file of
 * thousands of wrong keys asks thousands of times: the keys of a mapping are looked through once.
 */
export function placesIn(document: Document): (path: ConfigPath, atKey: boolean) => number {
  const indexes = new Map<YAMLMap, ReadonlyMap<string, Pair>>();
  const indexOf = (map: YAMLMap): ReadonlyMap<string, Pair> => {
    const index = indexes.get(map) ?? pairsByKey(map);
    indexes.set(map, index);
    return index;
  };
  return (path, atKey) => {
    const places = placesAlong(document, path, indexOf);
    for (let length = places.length - 1; length >= 0; length -= 1) {
      const { key, value } = places[length] ?? { key: null, value: null };
      const offset = (atKey || length < path.length ? key : null) ?? value;
      if (offset !== null) {
        return offset;
      }
    }
    return 0;
  };
}

/** Of the whole, and of what each part of the path names, as far as it is written. */
function placesAlong(
  document: Document,
  path: ConfigPath,
  indexOf: (map: YAMLMap) => ReadonlyMap<string, Pair>,
): Place[] {
  let here: unknown = document.contents;
  const places: Place[] = [{ key: null, value: offsetOf(here) }];
  for (const part of path) {
    const pair: Pair | undefined = isMap(here) ? indexOf(here).get(String(part)) : undefined;
    const item: unknown = isSeq(here) ? here.items[Number(part)] : undefined;
    if (pair === undefined && item === undefined) {
      break;
    }
    here = pair === undefined ? item : pair.value;
    places.push({ key: offsetOf(pair?.key), value: offsetOf(here) });
  }
  return places;
}

function pairsByKey(map: YAMLMap): ReadonlyMap<string, Pair> {
  return new Map(
    map.items.flatMap((pair) =>
      isScalar(pair.key) ? [[String(pair.key.value), pair] as const] : [],
    ),
  );
}

function offsetOf(node: unknown): number | null {
  return isNode(node) ? (node.range?.[0] ?? null) : null;
}
