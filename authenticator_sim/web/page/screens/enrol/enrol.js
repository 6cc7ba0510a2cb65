// Sets up the phone: code, name and PIN, one question a page.

import { flawOfChosenPin } from "../../core/pin.js";
import { element } from "../../look/dom.js";
import { button, submitButton } from "../../parts/buttons.js";
import { Field } from "../../parts/field.js";
import { icon } from "../../parts/icons.js";
import { PinPad } from "../../parts/pin-pad.js";
import { focusHeading } from "../../parts/stage.js";
import { PhoneError } from "../../phone.js";
import { isActivationCode } from "./activation-code.js";

const STEPS = 4;

/** The pages of the enrolment, which go forth and back until the service has taken the code. */
export class EnrolScreen {
  /** @type {Field} */
  #code;
  /** @type {Field} */
  #secret;
  /** @type {Field} */
  #name;
  /** @type {import("../../parts/view.js").Surroundings} */
  #surroundings;

  /**
   * @param {import("../../parts/view.js").Surroundings} surroundings
   * @param {string | null} linkedCode
   */
  constructor(surroundings, linkedCode) {
    const { words, number } = surroundings;
    const said = words.enrol;
    this.#surroundings = surroundings;
    this.#code = new Field({
      label: said.code,
      hint: linkedCode ? said.codeFromLink : said.codeHint,
      class: "activation-code",
      input: { placeholder: "XXXX-XXXX-XXXX", autocapitalize: "characters", maxLength: 96 },
    });
    this.#code.value = linkedCode ?? "";
    this.#secret = new Field({
      label: said.secret,
      hint: said.secretHint,
      input: { inputMode: "numeric", maxLength: 64 },
    });
    this.#name = new Field({ label: said.name, input: { maxLength: 64 } });
    this.#name.value = number > 1 ? `${said.nameDefault} ${number}` : said.nameDefault;
    this.element = element("main", { class: "screen enrol" });
    this.#askCode();
  }

  get #words() {
    return this.#surroundings.words.enrol;
  }

  #askCode(problem = "") {
    const { title, intro, codeShort } = this.#words;
    const go = () => {
      if (isActivationCode(this.#code.value)) {
        this.#askName();
      } else {
        this.#code.complain(codeShort);
      }
    };
    this.#page({ step: 1, title, text: intro }, this.#form(go, this.#code, this.#secret));
    this.#code.complain(problem);
  }

  #askName(problem = "") {
    const { nameTitle, nameText, nameMissing } = this.#words;
    const go = () => (this.#name.value ? this.#askPin() : this.#name.complain(nameMissing));
    const back = () => this.#askCode();
    this.#page({ step: 2, title: nameTitle, text: nameText, back }, this.#form(go, this.#name));
    this.#name.complain(problem);
  }

  #askPin(problem = "") {
    const { pinTitle, pinText, pinWeak } = this.#words;
    const pad = new PinPad(this.#surroundings.words, (pin) => {
      if (flawOfChosenPin(pin) !== null) {
        pad.clear();
        pad.complain(pinWeak);
        pad.focus();
      } else {
        this.#repeatPin(pin);
      }
    });
    const back = () => this.#askName();
    this.#page({ step: 3, title: pinTitle, text: pinText, back }, pad.element);
    pad.complain(problem);
    pad.focus();
  }

  /** @param {string} chosen */
  #repeatPin(chosen) {
    const { repeatTitle, repeatText, different } = this.#words;
    const pad = new PinPad(this.#surroundings.words, (pin) => {
      if (pin === chosen) {
        void this.#enrol(pin);
      } else {
        this.#askPin(different);
      }
    });
    const back = () => this.#askPin();
    this.#page({ step: 4, title: repeatTitle, text: repeatText, back }, pad.element);
    pad.focus();
  }

  /** @param {string} pin */
  async #enrol(pin) {
    const { working, workingText } = this.#words;
    this.#page(
      { title: working, text: workingText },
      element("div", { class: "sign busy" }, icon("loop")),
    );
    const secondSecret = this.#secret.value;
    try {
      await this.#surroundings.phone.enrol({
        activationCode: this.#code.value,
        ...(secondSecret ? { secondSecret } : {}),
        name: this.#name.value,
        pin,
      });
    } catch (error) {
      if (!(error instanceof PhoneError)) {
        throw error;
      }
      this.#mend(error);
    }
  }

  /** @param {PhoneError} error */
  #mend(error) {
    const problem = this.#surroundings.words.errors[error.code];
    switch (error.code) {
      case "weak_pin":
      case "invalid_pin":
        return this.#askPin(problem);
      case "invalid_name":
        return this.#askName(problem);
      default:
        return this.#askCode(problem);
    }
  }

  /**
   * @param {() => void} go
   * @param {...Field} fields
   */
  #form(go, ...fields) {
    return element(
      "form",
      {
        class: "stack",
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          go();
        },
      },
      ...fields.map((field) => field.element),
      submitButton(this.#surroundings.words.next),
    );
  }

  /**
   * @param {{step?: number, title: string, text: string, back?: () => void}} about
   * @param {...HTMLElement} parts
   */
  #page({ step, title, text, back }, ...parts) {
    const { words, number } = this.#surroundings;
    const which = number > 1 ? [words.phoneNumber(number)] : [];
    this.element.replaceChildren(
      element(
        "div",
        { class: "enrol-head" },
        element("span", { class: "mark", "aria-hidden": "true" }, icon("shield")),
        step
          ? element("p", { class: "label" }, [...which, words.enrol.step(step, STEPS)].join(" · "))
          : "",
      ),
      element("h1", {}, title),
      element("p", { class: "hint" }, text),
      ...parts,
      back ? button(words.back, back, { kind: "plain" }) : "",
    );
    if (this.element.isConnected) {
      focusHeading(this.element);
    }
  }
}
