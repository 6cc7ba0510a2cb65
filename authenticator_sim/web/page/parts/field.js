// A labelled entry field that says what is wrong with what stands in it.

import { element } from "../look/dom.js";

let made = 0;

/** One line to be filled in. */
export class Field {
  /** @type {HTMLInputElement} */
  #input;
  /** @type {HTMLElement} */
  #problem;

  /**
   * @param {{label: string, hint?: string, class?: string, input?: import("../look/dom.js").Properties}} look
   *   `input` has properties of the input element
   */
  constructor({ label, hint, class: name = "", input = {} }) {
    made += 1;
    const id = `field-${made}`;
    this.#problem = element("p", { class: "field-problem", id: `${id}-problem`, role: "alert" });
    this.#input = element("input", {
      id,
      autocomplete: "off",
      spellcheck: false,
      "aria-describedby": `${id}-hint ${id}-problem`,
      oninput: () => this.complain(""),
      ...input,
    });
    this.element = element(
      "div",
      { class: `field ${name}` },
      element("label", { for: id }, label),
      element("p", { class: "field-hint", id: `${id}-hint`, hidden: !hint }, hint),
      this.#input,
      this.#problem,
    );
  }

  /** What stands in it, without spaces around it. */
  get value() {
    return this.#input.value.trim();
  }

  set value(text) {
    this.#input.value = text;
  }

  focus() {
    this.#input.focus();
  }

  /** @param {string} text what is wrong; empty when nothing is */
  complain(text) {
    this.#problem.textContent = text;
    this.#input.setAttribute("aria-invalid", String(text !== ""));
    if (text !== "") {
      this.#input.focus();
    }
  }
}

/**
 * Six digits of another device.
 *
 * @param {{label: string, hint: string}} words
 * @returns {Field}
 */
export function digitsField({ label, hint }) {
  return new Field({
    label,
    hint,
    class: "six-digits",
    input: { inputMode: "numeric", maxLength: 7, placeholder: "––– –––" },
  });
}

/**
 * The six digits, or null while there are not six; spaces between them do not matter.
 *
 * @param {Field} field
 * @returns {string | null}
 */
export function sixDigits(field) {
  const digits = field.value.replace(/\s/g, "");
  return /^[0-9]{6}$/.test(digits) ? digits : null;
}
