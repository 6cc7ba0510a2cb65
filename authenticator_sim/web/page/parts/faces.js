// A sheet that shows one face after the other; each has a heading, where reading starts.

import { element } from "../look/dom.js";
import { sheet, sheetHeading } from "./dialogs.js";
import { focusHeading } from "./stage.js";

/**
 * @typedef {Object} Face
 * @property {string} step what the sheet is about now, for its style
 * @property {string} title
 * @property {readonly HTMLElement[]} head
 * @property {readonly HTMLElement[]} body
 * @property {readonly HTMLElement[]} foot
 */

/** Head, scrolling body and foot of a sheet. */
export class Faces {
  #head = element("div", { class: "sheet-head" });
  #body = element("div", { class: "sheet-body" });
  #foot = element("div", { class: "sheet-foot" });

  /** @param {{class: string, lang: string}} look */
  constructor(look) {
    this.dialog = sheet(look);
    this.dialog.append(this.#head, this.#body, this.#foot);
  }

  /** @param {Face} face */
  show({ step, title, head, body, foot }) {
    this.dialog.dataset.step = step;
    this.#head.replaceChildren(...head);
    this.#body.replaceChildren(sheetHeading(this.dialog, title), ...body);
    this.#foot.replaceChildren(...foot);
    this.#body.scrollTo(0, 0);
    if (this.dialog.isConnected) {
      focusHeading(this.dialog);
    }
  }
}
