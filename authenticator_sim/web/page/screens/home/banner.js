// The lost connection, at the foot of the window, where it moves nothing that is read or touched.

import { element } from "../../look/dom.js";
import { button } from "../../parts/buttons.js";
import { icon } from "../../parts/icons.js";

const QUIET_MS = 2_000;

/** Says why nothing arrives, and when it is tried again; a short gap is not worth a word. */
export class ConnectionBanner {
  #text = element("span", {});
  #retry = element("span", { class: "retry" });
  /** @type {import("../../model.js").State | null} */
  #state = null;
  #since = Number.POSITIVE_INFINITY;
  /** @type {import("../../words/en.js").Words} */
  #words;

  /** @param {import("../../parts/view.js").Surroundings} surroundings */
  constructor({ words, phone }) {
    this.#words = words;
    this.element = element(
      "div",
      { class: "banner", hidden: true },
      icon("offline"),
      element("p", { role: "status" }, this.#text),
      this.#retry,
      button(words.connection.now, () => phone.reconnect(), { kind: "plain" }),
    );
  }

  /** @param {import("../../model.js").State} state */
  update(state) {
    this.#state = state;
    const apart = state.connection !== "online";
    this.#since = apart ? Math.min(this.#since, Date.now()) : Number.POSITIVE_INFINITY;
    this.tick(Date.now());
  }

  /** @param {number} now milliseconds */
  tick(now) {
    const matters = now - this.#since >= QUIET_MS || (!navigator.onLine && this.#since <= now);
    this.element.hidden = !matters;
    if (matters) {
      const { noNetwork, noService, retryIn } = this.#words.connection;
      const text = navigator.onLine ? noService : noNetwork;
      if (this.#text.textContent !== text) {
        this.#text.textContent = text;
      }
      const left = Math.ceil(((this.#state?.retryAt ?? now) - now) / 1000);
      this.#retry.textContent = left > 0 && navigator.onLine ? retryIn(left) : "";
    }
  }
}
