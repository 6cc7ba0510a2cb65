// Changes the PIN of this phone: the one until now, the new one, and the new one again.

import { flawOfChosenPin } from "../../core/pin.js";
import { element } from "../../look/dom.js";
import { PinPad } from "../../parts/pin-pad.js";
import { regainFocus } from "../../parts/stage.js";
import { PhoneError } from "../../phone.js";
import { refusalText } from "../ask-pin.js";
import { noticeText } from "../home/notices.js";
import { SettingsPage } from "./page.js";

/** @typedef {import("../../model.js").State} State */

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
      regainFocus(page.element);
    } catch (error) {
      if (!(error instanceof PhoneError)) {
        throw error;
      }
      page.say("");
      if (error.code === "unreachable" && phone.state.pinChangePending) {
        wait();
      } else {
        askOld(refusalText(error, words));
      }
    }
  };
  let waits = false;
  const wait = () => {
    waits = true;
    page.body.replaceChildren(element("p", { class: "hint" }, words.pin.pending));
    regainFocus(page.element);
  };
  let heard = lastOutcome(phone.state)?.id;
  /** @param {State} state */
  const update = (state) => {
    if (waits && !state.pinChangePending) {
      waits = false;
      askOld();
    }
    const outcome = lastOutcome(state);
    if (outcome && outcome.id !== heard) {
      heard = outcome.id;
      page.say(noticeText(outcome, words));
    }
  };
  if (phone.state.pinChangePending) {
    wait();
  } else {
    askOld();
  }
  return { element: page.element, update };
}

/**
 * The notice of what became of a change that nobody heard.
 *
 * @param {State} state
 */
function lastOutcome({ notices }) {
  return notices.find(({ type }) => type === "pin_changed" || type === "pin_not_changed");
}
