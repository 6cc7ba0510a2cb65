// A list that keeps what it shows: what has the focus, or is being read, stays as it is.

import { regainFocus } from "./stage.js";

/**
 * @template Item
 * @typedef {{element: HTMLElement, update?: (item: Item) => void, tick?: (now: number) => void}} Row
 */

/**
 * Rows by the name of what they show.
 *
 * @template Item
 */
export class KeptList {
  /** @type {Map<string, Row<Item>>} */
  #rows = new Map();
  /** @type {HTMLElement} */
  #place;
  /** @type {(item: Item) => string} */
  #name;
  /** @type {(item: Item) => Row<Item>} */
  #make;

  /**
   * @param {HTMLElement} place
   * @param {(item: Item) => string} name
   * @param {(item: Item) => Row<Item>} make
   */
  constructor(place, name, make) {
    this.#place = place;
    this.#name = name;
    this.#make = make;
  }

  /**
   * Show these; gives what is new among them.
   *
   * @param {readonly Item[]} items
   * @returns {Item[]}
   */
  update(items) {
    const names = new Set(items.map(this.#name));
    for (const [name, row] of this.#rows) {
      if (!names.has(name)) {
        this.#remove(row.element);
        this.#rows.delete(name);
      }
    }
    const fresh = items.filter((item) => !this.#rows.has(this.#name(item)));
    for (const [place, item] of items.entries()) {
      this.#put(item, place);
    }
    return fresh;
  }

  /** @param {number} now milliseconds */
  tick(now) {
    for (const row of this.#rows.values()) {
      row.tick?.(now);
    }
  }

  /**
   * Take a row away; the focus, where it lay on it, goes to its neighbour, or else to the heading.
   *
   * @param {HTMLElement} row
   */
  #remove(row) {
    const hadFocus = row.contains(document.activeElement);
    const neighbour = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    if (hadFocus && neighbour instanceof HTMLElement) {
      neighbour.tabIndex = -1;
      neighbour.focus();
    } else if (hadFocus) {
      regainFocus(document.body);
    }
  }

  /**
   * @param {Item} item
   * @param {number} place
   */
  #put(item, place) {
    const name = this.#name(item);
    const row = this.#rows.get(name) ?? this.#make(item);
    this.#rows.set(name, row);
    row.update?.(item);
    const there = this.#place.children[place] ?? null;
    if (there !== row.element) {
      this.#place.insertBefore(row.element, there);
    }
  }
}
