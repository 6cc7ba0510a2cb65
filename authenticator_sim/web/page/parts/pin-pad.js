// The PIN pad: a field that shows dots, and keys for those who have no keyboard.

import { element } from "../look/dom.js";
import { icon } from "./icons.js";

const LEAST = 6;
const MOST = 12;

let made = 0;

/** Asks for a PIN, with keys and keyboard alike; the form around it is sent by Enter. */
export class PinPad {
  /** @type {HTMLInputElement} */
  #input;
  #dots = element("div", { class: "pin-dots", "aria-hidden": "true" });
  #problem = element("p", { class: "pin-problem", role: "alert" });
  /** @type {import("../words/en.js").Words} */
  #words;

  /**
   * @param {import("../words/en.js").Words} words
   * @param {(pin: string) => void} entered
   */
  constructor(words, entered) {
    this.#words = words;
    made += 1;
    const id = `pin-${made}`;
    this.#problem.id = `${id}-problem`;
    // One-time-code: browsers offer to keep what stands in any other field of passwords.
    this.#input = element("input", {
      type: "password",
      id,
      inputMode: "none",
      autocomplete: "one-time-code",
      maxLength: MOST,
      "aria-describedby": `${id}-problem`,
      oninput: () => this.#typed(),
    });
    this.element = element(
      "form",
      {
        class: "pin-pad",
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          this.#enter(entered);
        },
      },
      element(
        "div",
        { class: "pin-entry" },
        element("label", { for: id, class: "visually-hidden" }, words.confirm.pin),
        this.#dots,
        this.#input,
      ),
      this.#problem,
      this.#keys(),
    );
    this.#draw();
  }

  /** Forget what was typed. */
  clear() {
    this.#input.value = "";
    this.#draw();
  }

  focus() {
    this.#input.focus();
  }

  /** @param {string} text what is wrong; empty when nothing is */
  complain(text) {
    this.#problem.textContent = text;
  }

  /** @param {boolean} stopped whether no PIN is taken now */
  stop(stopped) {
    for (const control of this.element.querySelectorAll("button, input")) {
      Object.assign(control, { disabled: stopped });
    }
  }

  #keys() {
    const digit = (/** @type {string} */ value) =>
      element(
        "button",
        {
          type: "button",
          class: "key",
          "aria-label": this.#words.confirm.digit(value),
          onclick: () => this.#add(value),
        },
        value,
      );
    return element(
      "div",
      { class: "keys" },
      ...[..."123456789"].map(digit),
      element(
        "button",
        {
          type: "button",
          class: "key action",
          "aria-label": this.#words.confirm.erase,
          onclick: () => this.#erase(),
        },
        icon("erase"),
      ),
      digit("0"),
      element(
        "button",
        { type: "submit", class: "key enter", "aria-label": this.#words.confirm.enter },
        icon("check"),
      ),
    );
  }

  /** @param {string} digit */
  #add(digit) {
    this.#input.value = (this.#input.value + digit).slice(0, MOST);
    this.#typed();
  }

  #erase() {
    this.#input.value = this.#input.value.slice(0, -1);
    this.#typed();
  }

  #typed() {
    this.#input.value = this.#input.value.replace(/[^0-9]/g, "");
    this.complain("");
    this.#draw();
  }

  #draw() {
    const typed = this.#input.value.length;
    const dots = Array.from({ length: Math.max(LEAST, typed) }, (_, place) =>
      element("span", { class: place < typed ? "dot full" : "dot" }),
    );
    this.#dots.replaceChildren(...dots);
  }

  /** @param {(pin: string) => void} entered */
  #enter(entered) {
    const pin = this.#input.value;
    if (pin.length < LEAST) {
      this.complain(this.#words.confirm.tooShort);
      this.focus();
      return;
    }
    entered(pin);
  }
}
