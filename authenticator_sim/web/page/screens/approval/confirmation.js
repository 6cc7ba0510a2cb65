// The second face of the approval sheet: PIN or passkey, and the one-time code.

import { element } from "../../look/dom.js";
import { button } from "../../parts/buttons.js";
import { PinPad } from "../../parts/pin-pad.js";
import { remaining } from "../../words/times.js";
import { summary } from "./contents.js";
import { passkeyUse } from "./factors.js";
import { OneTimeCode } from "./one-time-code.js";

/** @typedef {import("../../model.js").Proofs} Proofs */
/** @typedef {ReturnType<typeof passkeyUse>} PasskeyUse */
/** @typedef {"pin" | "passkey" | "missing" | "code"} Way */

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
  #help = element("p", { class: "hint centred", hidden: true });
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
    this.#help.append(words.confirm.pinLost);
    const use = passkeyUse(request, hasPasskey);
    const way = wayOf(request, use);
    if (way === "pin") {
      this.#pad = new PinPad(words, (pin) => give({ pin, usePasskey: use === "demanded" }));
    }
    if (request.factors.includes("otp")) {
      this.#code = new OneTimeCode(surroundings);
    }
    const { title, titlePasskey, otpTitle } = words.confirm;
    this.title = { pin: title, passkey: titlePasskey, missing: titlePasskey, code: otpTitle }[way];
    const parts = [
      summary(request, surroundings),
      this.#code?.element,
      this.#problem,
      this.#pause,
      this.#pad?.element,
      this.#help,
      ...means(way, use, give, words),
    ];
    this.body = parts.filter((part) => part instanceof HTMLElement);
  }

  /** Begin where typing goes. */
  focus() {
    this.#pad?.focus();
  }

  /** @param {string} text what is wrong */
  complain(text) {
    this.#pad?.clear();
    this.#problem.textContent = text;
    this.#help.hidden = text === "" || this.#pad === null;
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

/**
 * What is given first: the PIN, a passkey, or the one-time code alone.
 *
 * @param {import("../../model.js").Request} request
 * @param {PasskeyUse} use
 * @returns {Way}
 */
function wayOf({ factors }, use) {
  if (use === "missing") {
    return "missing";
  }
  if (factors.includes("pin")) {
    return "pin";
  }
  return use === "demanded" ? "passkey" : "code";
}

/**
 * What stands below the pad, or in its place.
 *
 * @param {Way} way
 * @param {PasskeyUse} use
 * @param {(proofs: Proofs) => void} give
 * @param {import("../../words/en.js").Words} words
 * @returns {HTMLElement[]}
 */
function means(way, use, give, { confirm }) {
  const hint = (/** @type {string} */ text) => element("p", { class: "hint centred" }, text);
  const passkey = (/** @type {import("../../parts/buttons.js").Kind} */ kind) =>
    button(confirm.usePasskey, () => give({ usePasskey: true }), { kind, icon: "fingerprint" });
  switch (way) {
    case "missing":
      return [hint(confirm.passkeyMissing)];
    case "passkey":
      return [hint(confirm.passkeyText), passkey("primary")];
    case "pin":
      return use === "allowed" ? [passkey("quiet")] : [];
    case "code":
      return [button(confirm.enter, () => give({}), { kind: "primary" })];
  }
}
