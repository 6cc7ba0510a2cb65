// A dialog that asks for the PIN before something that could be turned against its owner.

import { element } from "../look/dom.js";
import { pictureButton } from "../parts/buttons.js";
import { sheet, sheetHeading } from "../parts/dialogs.js";
import { PinPad } from "../parts/pin-pad.js";
import { PhoneError } from "../phone.js";
import { wrongAttempt } from "../words/attempts.js";
import { remaining } from "../words/times.js";

/**
 * @template Result
 * @typedef {Object} Question
 * @property {string} title
 * @property {string} [text]
 * @property {(pin: string) => Promise<Result>} act what the PIN is for; may raise PhoneError
 */

/**
 * Ask until it is right, refused for good, or given up; gives what came of it, or null. What was
 * under way when the dialog was closed is done all the same, and its outcome given.
 *
 * @template Result
 * @param {import("../parts/view.js").Surroundings} surroundings
 * @param {Question<Result>} question
 * @returns {Promise<Result | null>}
 */
export async function askPin(surroundings, { title, text, act }) {
  const { words, stage } = surroundings;
  /** @type {Result | null} */
  let result = null;
  /** @type {number | null} */
  let pausedUntil = null;
  const dialog = sheet({ class: "ask-pin" });
  const problem = element("p", { class: "problem", role: "alert" });
  const entered = async (/** @type {string} */ pin) => {
    pad.stop(true);
    problem.textContent = words.loading;
    try {
      result = await act(pin);
      dialog.close();
    } catch (error) {
      if (!(error instanceof PhoneError)) {
        throw error;
      }
      pausedUntil = error.retryAt;
      problem.textContent = refusalText(error, words);
      pad.clear();
      pad.stop(error.code === "locked");
      pad.focus();
      tick(Date.now());
    }
  };
  let underWay = Promise.resolve();
  const pad = new PinPad(words, (pin) => {
    underWay = entered(pin);
  });
  const tick = (/** @type {number} */ now) => {
    if (pausedUntil === null) {
      return;
    }
    const over = now >= pausedUntil;
    problem.textContent = over ? "" : words.confirm.paused(remaining(pausedUntil - now));
    pad.stop(!over);
    if (over) {
      pausedUntil = null;
    }
  };
  dialog.append(
    element(
      "div",
      { class: "sheet-head" },
      pictureButton("cross", words.cancel, () => dialog.close()),
    ),
    element(
      "div",
      { class: "sheet-body" },
      sheetHeading(dialog, title),
      text ? element("p", { class: "hint centred" }, text) : null,
      problem,
      pad.element,
    ),
  );
  const closed = stage.open({ element: dialog, tick });
  pad.focus();
  await closed;
  await underWay;
  return result;
}

/**
 * Why an order was refused.
 *
 * @param {PhoneError} error
 * @param {import("../words/en.js").Words} words
 * @returns {string}
 */
export function refusalText(error, words) {
  return error.code === "wrong_pin"
    ? wrongAttempt(error.attemptsLeft, words)
    : words.errors[error.code];
}
