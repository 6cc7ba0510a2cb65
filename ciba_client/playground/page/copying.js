// A dialog with text to be copied: seen before it is in the clipboard.

import { element, fill } from "./look/dom.js";

/**
 * @param {string} title
 * @param {string} note
 * @param {string} text
 */
export function offerCopy(title, note, text) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("copy"));
  const told = element("span", { role: "status", class: "told" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      fill(told, "Copied.");
    } catch {
      fill(told, "The browser does not allow it: select the text and copy it.");
    }
  };
  fill(
    dialog,
    element("h2", { id: "copy-title" }, title),
    note && element("p", { class: "muted" }, note),
    element("pre", { tabIndex: 0, "aria-label": title }, text),
    element(
      "div",
      { class: "row" },
      element("button", { type: "button", class: "primary", onclick: copy }, "Copy"),
      element("button", { type: "button", onclick: () => dialog.close() }, "Close"),
      told,
    ),
  );
  dialog.showModal();
}
