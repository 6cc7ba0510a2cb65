// A page that says one thing: what happened, and what to do about it.

import { element } from "../look/dom.js";
import { button } from "../parts/buttons.js";
import { icon } from "../parts/icons.js";

/**
 * @typedef {Object} Page
 * @property {import("../parts/icons.js").IconName} icon
 * @property {"good" | "bad" | "plain"} tone
 * @property {string} title
 * @property {string} text
 * @property {{words: string, act: () => void}} [action]
 */

/**
 * @param {Page} page
 * @returns {import("../parts/view.js").View}
 */
export function plainPage({ icon: name, tone, title, text, action }) {
  return {
    element: element(
      "main",
      { class: "screen plain-page" },
      element("div", { class: `sign ${tone}` }, icon(name)),
      element("h1", {}, title),
      element("p", { class: "ending-text" }, text),
      action ? button(action.words, action.act, { kind: "primary" }) : null,
    ),
  };
}
