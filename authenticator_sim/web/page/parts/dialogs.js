// Dialogs: a sheet as high as the window, and a question to be answered before anything happens.

import { element } from "../look/dom.js";
import { button } from "./buttons.js";

let made = 0;

/**
 * An empty dialog of the height of the window; its heading names it.
 *
 * @param {{class?: string, lang?: string}} [look]
 * @returns {HTMLDialogElement}
 */
export function sheet({ class: name = "", lang } = {}) {
  made += 1;
  return element("dialog", {
    class: `sheet ${name}`,
    lang,
    "aria-labelledby": `sheet-${made}`,
    "data-heading": `sheet-${made}`,
  });
}

/**
 * The heading that names a sheet.
 *
 * @param {HTMLDialogElement} dialog
 * @param {string} text
 * @returns {HTMLHeadingElement}
 */
export function sheetHeading(dialog, text) {
  return element("h2", { id: dialog.dataset.heading, class: "sheet-title" }, text);
}

/**
 * Ask before something that cannot be undone; gives whether it is wanted.
 *
 * @param {import("./view.js").Surroundings} surroundings
 * @param {{title: string, text: string, action: string, lang?: string, kind?: "bad" | "primary"}} question
 * @returns {Promise<boolean>}
 */
export async function confirmed({ stage, words }, { title, text, action, lang, kind = "bad" }) {
  let wanted = false;
  const answer = (/** @type {boolean} */ yes) => {
    wanted = yes;
    dialog.close();
  };
  made += 1;
  const dialog = element(
    "dialog",
    {
      class: "question",
      lang,
      role: "alertdialog",
      "aria-labelledby": `question-${made}`,
      "aria-describedby": `question-${made}-text`,
    },
    element("h2", { id: `question-${made}` }, title),
    element("p", { id: `question-${made}-text` }, text),
    element(
      "div",
      { class: "question-answers" },
      button(action, () => answer(true), { kind }),
      button(words.cancel, () => answer(false)),
    ),
  );
  await stage.open({ element: dialog });
  return wanted;
}
