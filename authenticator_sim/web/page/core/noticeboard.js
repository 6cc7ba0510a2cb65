// What the user is told of once, however often the service says it.

const MOST_NOTICES = 50;
const MOST_HEARD = 200;

/** @typedef {import("../model.js").Notice} Notice */
/** @typedef {{list: readonly Notice[], heard: readonly string[], next: number}} Noticed */
/**
 * @template T
 * @typedef {T extends unknown ? Omit<T, "id" | "at"> : never} Unnumbered
 */
/** @typedef {Unnumbered<Notice>} News */

/** @type {Noticed} */
export const NOTHING_NOTICED = Object.freeze({ list: [], heard: [], next: 1 });

export class Noticeboard {
  #noticed;

  /** @param {Noticed} noticed what is known from before */
  constructor(noticed) {
    this.#noticed = noticed;
  }

  /** What outlives the page: another object after each change. */
  get kept() {
    return this.#noticed;
  }

  /** Tell it. @param {News} news @param {number} at milliseconds */
  tell(news, at) {
    const { list, next } = this.#noticed;
    const notice = /** @type {Notice} */ ({ ...news, id: next, at });
    this.#noticed = { ...this.#noticed, list: withRoom([notice, ...list]), next: next + 1 };
  }

  /**
   * Tell it unless it was told before.
   * @param {string} name what it is, in a word that is always the same
   * @param {News} news
   * @param {number} at milliseconds
   */
  tellOnce(name, news, at) {
    const { heard } = this.#noticed;
    if (!heard.includes(name)) {
      this.#noticed = { ...this.#noticed, heard: [...heard, name].slice(-MOST_HEARD) };
      this.tell(news, at);
    }
  }

  /** Take one away. @param {number} id */
  dismiss(id) {
    const list = this.#noticed.list.filter((notice) => notice.id !== id);
    this.#noticed = { ...this.#noticed, list };
  }
}

/**
 * As many as there is room for. What requests came to goes first, the oldest before the others:
 * whoever asks often, and takes it back, pushes no warning off the board.
 * @param {readonly Notice[]} list
 */
function withRoom(list) {
  if (list.length <= MOST_NOTICES) {
    return list;
  }
  const over = list.findLastIndex(({ type }) => type === "request_withdrawn");
  return list.toSpliced(over === -1 ? MOST_NOTICES : over, 1);
}
