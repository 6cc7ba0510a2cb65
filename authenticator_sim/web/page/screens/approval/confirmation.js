// The second face of the approval sheet: PIN or passkey, and the one-time code.

import { element } from "../../look/dom.js";
import { button } from "../../parts/buttons.js";
import { PinPad } from "../../parts/pin-pad.js";
import { remaining } from "../../words/times.js";
import { summary } from "./contents.js";
import { passkeyUse } from "./factors.js";
import { OneTimeCode } from "./one-time-code.js";

/** @typedef {import("../../model.js").Proofs} Proofs */

/** Asks for what a request is confirmed with, and says what was wrong the last time. */
export class Confirmation {
  /** @type {PinPad | null} */
  #pad = null;
  /** @type {OneTimeCode | null} */
  #code = null;
  /** @type {number | null} */
  #pausedUntil = null;
  #problem = element("p", { class: "problem", role: "alert" });
  #pause = element("p", { class: "problem pause" });
  /** @type {import("../../words/en.js").Words} */
  #words;

  /**
   * @param {import("../../model.js").Request} request
   * @param {boolean} hasPasskey
   * @param {(proofs: Proofs) => void} give
   * @param {import("../../parts/view.js").Surroundings} surroundings
   */
  constructor(request, hasPasskey, give, surroundings) {
    const { words } = surroundings;
    this.#words = words;
    const use = passkeyUse(request, hasPasskey);
    const asksPin = request.factors.includes("pin");
    const inPlace = use === "demanded" && !asksPin;
    if (asksPin) {
      const pad = new PinPad(words, (pin) => give({ pin, usePasskey: use === "demanded" }));
      this.#pad = pad;
    }
    if (request.factors.includes("otp")) {
      this.#code = new OneTimeCode(surroundings);
    }
    const passkey = button(words.confirm.usePasskey, () => give({ usePasskey: true }), {
      kind: inPlace ? "primary" : "quiet",
      icon: "fingerprint",
    });
    const plain = button(words.confirm.enter, () => give({}), { kind: "primary" });
    this.title = inPlace
      ? words.confirm.titlePasskey
      : asksPin
        ? words.confirm.title
        : words.confirm.otpTitle;
    this.body = [
      summary(request, surroundings),
      this.#code?.element,
      this.#problem,
      this.#pause,
      this.#pad?.element,
      inPlace ? element("p", { class: "hint centred" }, words.confirm.passkeyText) : null,
      inPlace || use === "allowed" ? passkey : null,
      asksPin || inPlace ? null : plain,
    ].filter((part) => part instanceof HTMLElement);
  }

  /** Begin where typing goes. */
  focus() {
    this.#pad?.focus();
  }

  /** @param {string} text what is wrong */
  complain(text) {
    this.#pad?.clear();
    this.#problem.textContent = text;
  }

  /**
   * Take nothing until then.
   *
   * @param {number} until milliseconds
   */
  pauseUntil(until) {
    this.#pausedUntil = until;
    this.#pad?.clear();
    this.tick(Date.now());
  }

  /** @param {number} now milliseconds */
  tick(now) {
    this.#code?.tick(now);
    if (this.#pausedUntil !== null) {
      const over = now >= this.#pausedUntil;
      this.#pause.textContent = over
        ? ""
        : this.#words.confirm.paused(remaining(this.#pausedUntil - now));
      this.#pad?.stop(!over);
      if (over) {
        this.#pausedUntil = null;
        this.#pad?.focus();
      }
    }
  }
}
