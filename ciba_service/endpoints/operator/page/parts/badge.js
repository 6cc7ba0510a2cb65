// Where something stands, in a word; the colour says nothing that the word does not.

import { element } from "../look/dom.js";

/** @typedef {"good" | "warn" | "bad" | "brand" | "plain"} Tone */

/** @type {Record<string, Tone>} */
const TONES = {
  pending: "brand",
  approved: "good",
  redeemed: "good",
  denied: "bad",
  failed: "bad",
  cancelled: "plain",
  expired: "plain",
  due: "brand",
  delivered: "good",
  abandoned: "bad",
  needless: "plain",
  info: "plain",
  warning: "warn",
  alert: "bad",
};

/**
 * @param {string} text
 * @param {Tone} [tone] that of the word, where it has one
 * @returns {HTMLElement}
 */
export function badge(text, tone = TONES[text] ?? "plain") {
  return element("span", { class: `badge ${tone}` }, text);
}
