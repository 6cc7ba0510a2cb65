// An activation code, shown once: it is in no list and in no log, and gone when this is closed.

import { element } from "../look/dom.js";
import { focusHeading } from "./focus.js";
import { duration } from "./instant.js";

/**
 * @param {string} sub
 * @param {import("../api/documents.js").ActivationCode} code
 */
export function openCodeDialog(sub, code) {
  const close = element(
    "button",
    { type: "button", class: "button primary", onclick: () => dialog.close() },
    "I have handed it over",
  );
  const secret =
    code.second_secret === undefined
      ? null
      : told("Second secret, to be sent another way", code.second_secret);
  const approval = code.needs_approval
    ? element(
        "p",
        { class: "muted" },
        "The new phone then waits until a phone that the user has approves it.",
      )
    : null;
  const dialog = element(
    "dialog",
    { "aria-labelledby": "code-title", onclose: left },
    element("h2", { id: "code-title" }, "Activation code for ", element("bdi", {}, sub)),
    element(
      "p",
      { class: "sentence" },
      `It is shown this once, and lasts ${duration(code.expires_in)}. Whoever has all of it can enrol a phone as this user.`,
    ),
    told("Activation code", code.activation_code),
    code.link === undefined ? null : told("The same as a link", code.link),
    secret,
    approval,
    element("div", { class: "dialog-actions" }, close),
  );

  function left() {
    dialog.replaceChildren();
    dialog.remove();
    focusHeading();
  }

  document.body.append(dialog);
  dialog.showModal();
  close.focus();
}

/**
 * @param {string} name
 * @param {string} text
 * @returns {HTMLElement}
 */
function told(name, text) {
  const copy = element(
    "button",
    {
      type: "button",
      class: "button small",
      "aria-label": `Copy: ${name}`,
      onclick: async () => {
        try {
          await navigator.clipboard.writeText(text);
          copy.textContent = "Copied";
        } catch {
          copy.textContent = "Select it by hand";
        }
      },
    },
    "Copy",
  );
  return element(
    "div",
    { class: "told" },
    element("p", { class: "told-name" }, name),
    element("p", { class: "told-text" }, element("code", {}, text), copy),
  );
}
