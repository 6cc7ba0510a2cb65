// Nothing is changed before a dialog has said what will happen, and to whom.

import { asRefusal, refusalSentence } from "../api/refusal.js";
import { element, fill } from "../look/dom.js";
import { announce } from "./announce.js";
import { focusHeading } from "./focus.js";

/**
 * @typedef {{ title: string, sentence: import("../look/dom.js").Child[], verb: string,
 *   danger?: boolean, typed?: string, act: () => Promise<void>, ended: () => void }} Write
 *   `typed` must be typed before anything happens, where it cannot be undone
 */

/**
 * Ask, and do it.
 *
 * @param {Write} write
 */
export function openWriteDialog({ title, sentence, verb, danger = false, typed, act, ended }) {
  const invoker = document.activeElement;
  const refused = element("p", { class: "refused", role: "alert" });
  const confirm = element(
    "button",
    { class: danger ? "button danger" : "button primary", disabled: typed !== undefined },
    verb,
  );
  const cancel = element(
    "button",
    { type: "button", class: "button", onclick: () => dialog.close() },
    "Go back",
  );
  const field = typed === undefined ? null : typedField(typed, confirm);
  const form = element(
    "form",
    { onsubmit: submit },
    element("h2", { id: "write-title" }, title),
    element("p", { id: "write-sentence", class: "sentence" }, ...sentence),
    field,
    refused,
    element("div", { class: "dialog-actions" }, cancel, confirm),
  );
  const dialog = element(
    "dialog",
    { "aria-labelledby": "write-title", "aria-describedby": "write-sentence", onclose: left },
    form,
  );

  /** @param {Event} event */
  async function submit(event) {
    event.preventDefault();
    confirm.disabled = true;
    fill(refused);
    try {
      await act();
      dialog.close();
    } catch (error) {
      const refusal = asRefusal(error);
      if (refusal.code === "unauthenticated") {
        dialog.close();
        ended();
        return;
      }
      confirm.disabled = false;
      if (dialog.open) {
        fill(refused, refusalSentence(refusal));
      } else {
        announce(`${title} ${refusalSentence(refusal)}`);
      }
    }
  }

  function left() {
    dialog.remove();
    if (invoker instanceof HTMLElement && invoker.isConnected) {
      invoker.focus();
    } else if (document.querySelector("dialog[open]") === null) {
      focusHeading();
    }
  }

  document.body.append(dialog);
  dialog.showModal();
  cancel.focus();
}

/**
 * @param {string} typed
 * @param {HTMLButtonElement} confirm
 * @returns {HTMLElement}
 */
function typedField(typed, confirm) {
  const input = element("input", {
    id: "write-typed",
    class: "field",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: false,
    oninput: () => {
      confirm.disabled = input.value !== typed;
    },
  });
  return element(
    "p",
    { class: "typed" },
    element(
      "label",
      { for: "write-typed" },
      "This cannot be undone. Type ",
      element("bdi", {}, element("code", {}, typed)),
      " to go on.",
    ),
    input,
  );
}
