// Data from clients, phones and users: shown as text, apart from the text around it.

import { element } from "../look/dom.js";

const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\u2028\u2029]/gu;
const LONGEST = 300;

/**
 * A text in which nothing is invisible and nothing turns the direction of what follows.
 *
 * @param {string} text
 * @returns {string}
 */
export function spelt(text) {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return cut.replace(
    UNSEEN,
    (found) => `⟨U+${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`,
  );
}

/**
 * A name that somebody else chose.
 *
 * @param {string} text
 * @returns {HTMLElement}
 */
export function datum(text) {
  return element("bdi", { class: "datum" }, spelt(text));
}

/**
 * A name that machines made.
 *
 * @param {string} text
 * @returns {HTMLElement}
 */
export function identifier(text) {
  return element("code", { class: "identifier" }, spelt(text));
}
