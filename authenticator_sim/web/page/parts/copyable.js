// A text that is to be typed or pasted elsewhere.

import { element } from "../look/dom.js";
import { button } from "./buttons.js";

/**
 * Show a text under its label, with a button that copies it.
 *
 * @param {string} label
 * @param {string} text
 * @param {import("./view.js").Surroundings} surroundings
 * @returns {HTMLElement}
 */
export function copyable(label, text, { words, announcer }) {
  const copy = button(words.copy, () => void put(), { icon: "copy" });
  const put = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      getSelection()?.selectAllChildren(shown);
      return;
    }
    copy.replaceChildren(words.copied);
    announcer.say(words.copied);
  };
  const shown = element("code", { class: "copyable-text" }, text);
  return element(
    "div",
    { class: "copyable" },
    element("p", { class: "label" }, label),
    shown,
    copy,
  );
}
