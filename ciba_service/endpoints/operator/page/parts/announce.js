// What happened, for those who see it and for those who hear it.

import { element, fill } from "../look/dom.js";

const SHOWN_MS = 8000;

/**
 * Say that something was done.
 *
 * @param {string} sentence
 */
export function announce(sentence) {
  const spoken = document.getElementById("announced");
  if (spoken !== null) {
    fill(spoken, sentence);
  }
  for (const each of document.querySelectorAll(".toast")) {
    each.remove();
  }
  const toast = element("p", { class: "toast", "aria-hidden": "true" }, sentence);
  document.body.append(toast);
  setTimeout(() => toast.remove(), SHOWN_MS);
}

/**
 * Say something to those who cannot see it.
 *
 * @param {string} sentence
 */
export function say(sentence) {
  const spoken = document.getElementById("announced");
  if (spoken !== null && spoken.textContent !== sentence) {
    fill(spoken, sentence);
  }
}
