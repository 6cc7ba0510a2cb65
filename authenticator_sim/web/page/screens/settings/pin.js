// Changes the PIN of this phone: the one until now, the new one, and the new one again.

import { flawOfChosenPin } from "../../core/pin.js";
import { element } from "../../look/dom.js";
import { PinPad } from "../../parts/pin-pad.js";
import { PhoneError } from "../../phone.js";
import { refusalText } from "../ask-pin.js";
import { SettingsPage } from "./page.js";

/**
 * @param {import("../../parts/view.js").Surroundings} surroundings
 * @param {() => void} back
 * @returns {import("../../parts/view.js").View}
 */
export function pinPage(surroundings, back) {
  const { phone, words } = surroundings;
  const page = new SettingsPage(surroundings, words.pin.title, back);
  /**
   * @param {string} question
   * @param {(pin: string, pad: PinPad) => void} entered
   * @param {string} [problem]
   */
  const ask = (question, entered, problem = "") => {
    const pad = new PinPad(words, (pin) => entered(pin, pad));
    page.body.replaceChildren(element("p", { class: "pin-question" }, question), pad.element);
    pad.complain(problem);
    pad.focus();
  };
  const askOld = (problem = "") => ask(words.pin.old, (old) => askNew(old), problem);
  const askNew = (/** @type {string} */ old, problem = "") =>
    ask(
      words.enrol.pinTitle,
      (chosen) =>
        flawOfChosenPin(chosen) === null ? repeat(old, chosen) : askNew(old, words.enrol.pinWeak),
      problem,
    );
  const repeat = (/** @type {string} */ old, /** @type {string} */ chosen) =>
    ask(words.enrol.repeatTitle, (repeated, pad) => {
      if (repeated !== chosen) {
        askNew(old, words.enrol.different);
      } else {
        void change(old, chosen, pad);
      }
    });
  const change = async (
    /** @type {string} */ old,
    /** @type {string} */ chosen,
    /** @type {PinPad} */ pad,
  ) => {
    pad.stop(true);
    page.say(words.loading);
    try {
      await phone.changePin(old, chosen);
      page.body.replaceChildren();
      page.say(words.pin.changed);
    } catch (error) {
      if (!(error instanceof PhoneError)) {
        throw error;
      }
      page.say("");
      askOld(refusalText(error, words));
    }
  };
  if (phone.state.pinChangePending) {
    page.body.append(element("p", { class: "hint" }, words.pin.pending));
  } else {
    askOld();
  }
  return page;
}
