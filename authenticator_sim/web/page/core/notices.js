// What the user is told of once, however often the service says it.

const MOST_NOTICES = 50;
const MOST_HEARD = 200;

/** @typedef {import("../model.js").Notice} Notice */
/** @typedef {{list: readonly Notice[], heard: readonly string[], next: number}} Noticed */
/**
 * @template T
 * @typedef {T extends unknown ? Omit<T, "id" | "at">: never} Unnumbered
 */

/** @type {Noticed} */
export const NOTHING_NOTICED = Object.freeze({ list: [], heard: [], next: 1 });

/**
 * Tell it.
 * @param {Noticed} noticed
 * @param {Unnumbered<Notice>} notice
 * @param {number} at milliseconds
 * @returns {Noticed}
 */
export function withNotice(noticed, notice, at) {
  const told = /** @type {Notice} */ ({ ...notice, id: noticed.next, at });
  const list = [told, ...noticed.list].slice(0, MOST_NOTICES);
  return { ...noticed, list, next: noticed.next + 1 };
}

/**
 * Tell it unless it was told before.
 * @param {Noticed} noticed
 * @param {string} name what it is, in a word that is always the same
 * @param {Unnumbered<Notice>} notice
 * @param {number} at milliseconds
 * @returns {Noticed}
 */
export function withNoticeOnce(noticed, name, notice, at) {
  if (noticed.heard.includes(name)) {
    return noticed;
  }
  const heard = [...noticed.heard, name].slice(-MOST_HEARD);
  return withNotice({ ...noticed, heard }, notice, at);
}

/**
 * Take one away.
 * @param {Noticed} noticed
 * @param {number} id
 * @returns {Noticed}
 */
export function withoutNotice(noticed, id) {
  return { ...noticed, list: noticed.list.filter((notice) => notice.id !== id) };
}
