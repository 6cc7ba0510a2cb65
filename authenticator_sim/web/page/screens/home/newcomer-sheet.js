// Lets a further phone in or turns it away. The user types what the new phone shows rather than
// compare it: whoever has no phone in front of them has nothing to type.

import { element } from "../../look/dom.js";
import { button, pictureButton, submitButton } from "../../parts/buttons.js";
import { confirmed, sheet, sheetHeading } from "../../parts/dialogs.js";
import { digitsField, sixDigits } from "../../parts/field.js";
import { icon } from "../../parts/icons.js";
import { Ring } from "../../parts/ring.js";
import { focusHeading } from "../../parts/stage.js";
import { PhoneError } from "../../phone.js";
import { foreign } from "../approval/contents.js";
import { askPin } from "../ask-pin.js";

/** @typedef {import("../../model.js").DenialReason} DenialReason */

/** A sheet about one phone that waits. */
export class NewcomerSheet {
  /** @type {import("../../model.js").Newcomer} */
  #newcomer;
  /** @type {import("../../parts/view.js").Surroundings} */
  #surroundings;
  /** @type {import("../../parts/field.js").Field} */
  #code;
  /** @type {Ring} */
  #ring;
  #body = element("div", { class: "sheet-body" });
  #settled = false;

  /**
   * @param {import("../../model.js").Newcomer} newcomer
   * @param {import("../../parts/view.js").Surroundings} surroundings
   */
  constructor(newcomer, surroundings) {
    const { words } = surroundings;
    this.#newcomer = newcomer;
    this.#surroundings = surroundings;
    this.#code = digitsField({ label: words.newcomer.code, hint: words.newcomer.codeHint });
    this.#ring = new Ring({ from: newcomer.since, until: newcomer.until });
    this.element = sheet({ class: "newcomer-sheet" });
    const close = pictureButton("cross", words.close, () => this.element.close());
    this.element.append(
      element("div", { class: "sheet-head" }, close, this.#ring.element),
      this.#body,
    );
    this.#body.append(sheetHeading(this.element, words.newcomer.title), this.#form());
  }

  /** @param {import("../../model.js").State} state */
  update(state) {
    const waits = state.newcomers.some((each) => each.deviceId === this.#newcomer.deviceId);
    if (!waits && !this.#settled) {
      this.#end(this.#words.over, "info");
    }
    this.#dismissOwn(state);
  }

  /**
   * What was done here is no news on the overview.
   *
   * @param {import("../../model.js").State} state
   */
  #dismissOwn({ notices }) {
    const own = notices.find(
      (each) =>
        (each.type === "device_enrolled" || each.type === "device_rejected") &&
        each.deviceId === this.#newcomer.deviceId,
    );
    if (own && this.#settled) {
      this.#surroundings.phone.dismiss(own.id);
    }
  }

  /** @param {number} now milliseconds */
  tick(now) {
    this.#ring.tick(now);
  }

  get #words() {
    return this.#surroundings.words.newcomer;
  }

  #form() {
    const { text, name, approve, reject, notMe } = this.#words;
    return element(
      "form",
      {
        class: "stack",
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          void this.#approve();
        },
      },
      element("p", { class: "hint" }, text),
      element(
        "div",
        { class: "asker" },
        element("span", { class: "avatar device", "aria-hidden": "true" }, icon("phone")),
        element(
          "div",
          {},
          element("p", { class: "label" }, name),
          element("p", { class: "asker-name" }, foreign(this.#newcomer.name)),
        ),
      ),
      this.#code.element,
      submitButton(approve),
      button(reject, () => void this.#reject("declined")),
      button(notMe, () => void this.#notMe(), { kind: "plain", icon: "warning" }),
    );
  }

  async #approve() {
    const code = sixDigits(this.#code);
    if (code === null) {
      this.#code.complain(this.#words.codeMissing);
      return;
    }
    this.#settled = true;
    const outcome = await askPin(this.#surroundings, {
      title: this.#words.pinTitle,
      text: this.#newcomer.name,
      act: (pin) => this.#letIn(code, pin),
    });
    if (outcome === "in") {
      this.#end(this.#words.approved, "check");
    } else {
      this.#settled = false;
      this.#code.complain(
        outcome === "other" ? this.#surroundings.words.errors.no_such_newcomer : "",
      );
      this.update(this.#surroundings.phone.state);
    }
  }

  /**
   * @param {string} code
   * @param {string} pin
   * @returns {Promise<"in" | "other">}
   */
  async #letIn(code, pin) {
    try {
      await this.#surroundings.phone.approveNewcomer(this.#newcomer.deviceId, code, pin);
      return "in";
    } catch (error) {
      if (error instanceof PhoneError && error.code === "no_such_newcomer") {
        return "other";
      }
      throw error;
    }
  }

  /** @param {DenialReason} reason */
  async #reject(reason) {
    this.#settled = true;
    try {
      await this.#surroundings.phone.rejectNewcomer(this.#newcomer.deviceId, reason);
      this.#end(this.#words.rejected, "cross");
    } catch (error) {
      if (!(error instanceof PhoneError)) {
        throw error;
      }
      this.#settled = false;
      this.#code.complain(this.#surroundings.words.errors[error.code]);
    }
  }

  async #notMe() {
    const { notMe, notMeText, notMeConfirm } = this.#words;
    const question = { title: notMe, text: notMeText, action: notMeConfirm };
    if (await confirmed(this.#surroundings, question)) {
      await this.#reject("not_me");
    }
  }

  /**
   * @param {string} title
   * @param {import("../../parts/icons.js").IconName} name
   */
  #end(title, name) {
    this.#settled = true;
    this.#ring.element.remove();
    const { done } = this.#surroundings.words;
    this.#body.replaceChildren(
      sheetHeading(this.element, title),
      element("div", { class: name === "check" ? "sign good" : "sign plain" }, icon(name)),
      element("p", { class: "ending-text" }, foreign(this.#newcomer.name)),
      button(done, () => this.element.close(), { kind: "primary" }),
    );
    if (this.element.isConnected) {
      focusHeading(this.element);
    }
  }
}
