// Panels: what a view is made of, and what stands there when there is nothing to show.

import { refusalSentence } from "../api/refusal.js";
import { element } from "../look/dom.js";

/** @typedef {import("../look/dom.js").Child} Child */

/**
 * A part of a view under a heading; `action` stands beside it.
 *
 * @param {string} title
 * @param {Child[]} children
 * @param {Child} [action]
 * @returns {HTMLElement}
 */
export function panel(title, children, action = null) {
  const head = element("div", { class: "panel-head" }, element("h2", {}, title), action);
  return element("section", { class: "panel" }, head, ...children);
}

/**
 * That there is nothing.
 *
 * @param {string} sentence
 * @returns {HTMLElement}
 */
export function nothing(sentence) {
  return element("p", { class: "nothing" }, sentence);
}

/** @returns {HTMLElement} */
export function loading() {
  return element("p", { class: "nothing", "aria-busy": "true" }, "Loading …");
}

/**
 * That something could not be shown, and a way to try again.
 *
 * @param {import("../api/refusal.js").Refusal} refusal
 * @param {() => void} again
 * @returns {HTMLElement}
 */
export function trouble(refusal, again) {
  const button =
    refusal.code === "not_found"
      ? null
      : element("button", { type: "button", class: "button", onclick: again }, "Try again");
  return element(
    "div",
    { class: "trouble", role: "alert" },
    element("p", {}, refusalSentence(refusal)),
    button,
  );
}
