// The phone's own one-time code, with the time for which it is good.

import { element } from "../../look/dom.js";
import { Ring } from "../../parts/ring.js";
import { PhoneError } from "../../phone.js";

const PERIOD_MS = 30_000;
const AGAIN_MS = 1_000;
const HURRY_MS = 5_000;

/** Shows the code of this moment and its successors; it is sent along with an approval. */
export class OneTimeCode {
  #ring = new Ring({ from: 0, until: 0 }, HURRY_MS);
  #code = element("output", { class: "code" });
  #hint = element("p", { class: "hint" });
  #until = 0;
  #asking = false;
  /** @type {import("../../parts/view.js").Surroundings} */
  #surroundings;

  /** @param {import("../../parts/view.js").Surroundings} surroundings */
  constructor(surroundings) {
    this.#surroundings = surroundings;
    const { words } = surroundings;
    this.element = element(
      "section",
      { class: "one-time-code" },
      element(
        "div",
        {},
        element("p", { class: "label" }, words.confirm.otpTitle),
        this.#code,
        this.#hint,
      ),
      this.#ring.element,
    );
  }

  /** @param {number} now milliseconds */
  tick(now) {
    if (now >= this.#until && !this.#asking) {
      void this.#ask(now);
    }
    this.#ring.tick(now);
  }

  /** @param {number} now */
  async #ask(now) {
    this.#asking = true;
    try {
      const { code, validUntil } = await this.#surroundings.phone.oneTimeCode();
      this.#code.textContent = `${code.slice(0, 3)} ${code.slice(3)}`;
      this.#hint.textContent = this.#surroundings.words.confirm.otpText;
      this.#last(validUntil);
    } catch (error) {
      const until = (error instanceof PhoneError ? error.retryAt : null) ?? now + AGAIN_MS;
      this.#code.textContent = "––– –––";
      this.#hint.textContent = this.#surroundings.words.confirm.otpUsed;
      this.#last(until);
    } finally {
      this.#asking = false;
      this.#ring.tick(now);
    }
  }

  /** @param {number} until */
  #last(until) {
    this.#until = until;
    this.#ring.restart({ from: until - PERIOD_MS, until });
  }
}
