/** An item's place among others, to leave by. */
export interface Place<Item> {
  readonly item: Item;
  before: Place<Item> | null;
  after: Place<Item> | null;
}

/**
 * Items that come last and leave from anywhere. Links that are cut when one leaves, and no Set: each table that a Set
 * outgrows goes on pointing to the items of its time, and keeps them all for the next full collection of garbage.
 */
export class LinkedList<Item> {
  #first: Place<Item> | null = null;
  #last: Place<Item> | null = null;

  get first(): Place<Item> | null {
    return this.#first;
  }

  append(item: Item): Place<Item> {
    const place: Place<Item> = { item, before: this.#last, after: null };
    if (this.#last === null) {
      this.#first = place;
    } else {
      this.#last.after = place;
    }
    this.#last = place;
    return place;
  }

  /** Takes one out; nothing where it is out already. */
  remove(place: Place<Item>): void {
    const { before, after } = place;
    if (before === null && this.#first !== place) {
      return;
    }
    if (before === null) {
      this.#first = after;
    } else {
      before.after = after;
    }
    if (after === null) {
      this.#last = before;
    } else {
      after.before = before;
    }
    place.before = place.after = null;
  }

  /** All items as they stand now, the oldest first. */
  toArray(): Item[] {
    const items: Item[] = [];
    for (let place = this.#first; place !== null; place = place.after) {
      items.push(place.item);
    }
    return items;
  }
}
