// A page of the settings: its heading, the way back, and a place to say what was done.

import { element } from "../../look/dom.js";
import { pictureButton } from "../../parts/buttons.js";
import { regainFocus } from "../../parts/stage.js";
import { PhoneError } from "../../phone.js";

/** @typedef {import("../../parts/view.js").Surroundings} Surroundings */

/** What every page of the settings has. */
export class SettingsPage {
  #said = element("p", { class: "said", role: "status" });
  #problem = element("p", { class: "problem", role: "alert" });
  /** @type {import("../../words/en.js").Words} */
  #words;

  /**
   * @param {Surroundings} surroundings
   * @param {string} title
   * @param {() => void} back
   */
  constructor({ words }, title, back) {
    this.#words = words;
    this.body = element("div", { class: "stack" });
    this.element = element(
      "div",
      { class: "screen settings" },
      element(
        "header",
        { class: "header" },
        pictureButton("back", words.back, back),
        element("h1", {}, title),
      ),
      element("main", {}, this.#said, this.#problem, this.body),
    );
  }

  /** @param {string} text what was done */
  say(text) {
    this.#said.textContent = text;
    this.#problem.textContent = "";
  }

  /**
   * Do something that the service may refuse, and say so if it does.
   *
   * @template Result
   * @param {() => Promise<Result>} act may raise PhoneError
   * @returns {Promise<Result | null>}
   */
  async attempt(act) {
    this.say("");
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof PhoneError)) {
        throw error;
      }
      this.#problem.textContent = this.#words.errors[error.code];
      return null;
    }
  }

  /**
   * Fetch what the page is about, and show it; while that lasts, and if it fails, say so.
   *
   * @template Result
   * @param {() => Promise<Result>} fetch may raise PhoneError
   * @param {(found: Result) => (HTMLElement | null)[]} show
   * @param {(() => HTMLElement)} again shown when it failed
   */
  async load(fetch, show, again) {
    this.body.replaceChildren(element("p", { class: "hint" }, this.#words.loading));
    this.body.setAttribute("aria-busy", "true");
    const found = await this.attempt(fetch);
    const parts = found === null ? [again()] : show(found);
    this.body.setAttribute("aria-busy", "false");
    this.body.replaceChildren(...parts.filter((part) => part !== null));
    regainFocus(this.element);
  }
}
