// Buttons, in the few kinds there are.

import { element } from "../look/dom.js";
import { icon } from "./icons.js";

/** @typedef {"primary" | "quiet" | "plain" | "bad"} Kind */

/**
 * A button with words on it.
 *
 * @param {string} words
 * @param {() => void} pressed
 * @param {{kind?: Kind, type?: "button" | "submit", icon?: import("./icons.js").IconName}} [look]
 * @returns {HTMLButtonElement}
 */
export function button(words, pressed, { kind = "quiet", type = "button", icon: name } = {}) {
  return element(
    "button",
    { type, class: `button ${kind}`, onclick: pressed },
    name ? icon(name) : null,
    element("span", {}, words),
  );
}

/**
 * A button with a picture on it; its words are for those who do not see it.
 *
 * @param {import("./icons.js").IconName} name
 * @param {string} words
 * @param {() => void} pressed
 * @returns {HTMLButtonElement}
 */
export function pictureButton(name, words, pressed) {
  return element(
    "button",
    { type: "button", class: "picture", "aria-label": words, title: words, onclick: pressed },
    icon(name),
  );
}

/**
 * The button that sends a form.
 *
 * @param {string} words
 * @param {Kind} [kind]
 * @returns {HTMLButtonElement}
 */
export function submitButton(words, kind = "primary") {
  return button(words, () => {}, { kind, type: "submit" });
}
