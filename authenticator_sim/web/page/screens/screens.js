// Which screen fits the state of the phone, and the title of the window.

import { confirmed } from "../parts/dialogs.js";
import { EnrolScreen } from "./enrol/enrol.js";
import { Home } from "./home/home.js";
import { nextNumber, phoneNumbers } from "./phone-numbers.js";
import { plainPage } from "./plain-page.js";
import { settingsMenu } from "./settings/menu.js";
import { waitingScreen } from "./waiting.js";

/** @typedef {import("../model.js").State} State */
/** @typedef {"trouble" | "elsewhere" | "new" | "waiting" | "ready" | "ended" | "enrolled"} Place */
/** @typedef {import("../parts/view.js").View} View */

const FATAL = new Set(["storage", "insecure", "unsupported", "untrusted"]);

/** Changes screens when the phone becomes another one; else the screen keeps up by itself. */
export class Screens {
  /** @type {Place | null} */
  #place = null;
  /** @type {string | null} */
  #linkedCode;
  #enrolling = false;
  /** @type {import("../parts/view.js").Surroundings} */
  #surroundings;

  /**
   * @param {import("../parts/view.js").Surroundings} surroundings
   * @param {string | null} linkedCode the activation code of the link that was opened
   */
  constructor(surroundings, linkedCode) {
    this.#surroundings = surroundings;
    this.#linkedCode = linkedCode;
  }

  /** Follow the phone. */
  update() {
    const { phone, stage } = this.#surroundings;
    const state = phone.state;
    this.#entitle(state);
    const place = this.#placeOf(state);
    if (place === this.#place) {
      stage.update();
      return;
    }
    this.#place = place;
    stage.uncover();
    stage.show(this.#screen(place, state));
    if (place === "ready" && this.#linkedCode !== null) {
      void this.#offerFurther(this.#linkedCode);
      this.#linkedCode = null;
    }
  }

  /** @param {string} code of a link that was opened on a phone that needs none */
  async #offerFurther(code) {
    const { linkTitle, linkText, linkFurther } = this.#surroundings.words.home;
    const question = { title: linkTitle, text: linkText, action: linkFurther };
    if (await confirmed(this.#surroundings, { ...question, kind: "primary" })) {
      const numbers = await phoneNumbers(this.#surroundings.phone.issuer);
      location.assign(`?phone=${nextNumber(numbers)}#${code}`);
    }
  }

  /** @param {State} state @returns {Place} */
  #placeOf({ problem, connection, stage }) {
    if (problem && FATAL.has(problem.code)) {
      return "trouble";
    }
    if (connection === "elsewhere") {
      return "elsewhere";
    }
    // What was set up a moment ago says so first.
    return stage === "ready" && this.#enrolling ? "enrolled" : stage;
  }

  /**
   * @param {Place} place
   * @param {State} state
   * @returns {View}
   */
  #screen(place, state) {
    switch (place) {
      case "trouble":
        return this.#trouble(state);
      case "elsewhere":
        return this.#elsewhere();
      case "new":
        return this.#enrol();
      case "enrolled":
        return this.#enrolled();
      case "waiting":
        return waitingScreen(this.#surroundings);
      case "ready":
        return this.#home();
      case "ended":
        return this.#ended(state);
    }
  }

  #home() {
    const { stage } = this.#surroundings;
    const home = () => {
      stage.show(new Home(this.#surroundings, settings));
    };
    const settings = () => stage.show(settingsMenu(this.#surroundings, home));
    return new Home(this.#surroundings, settings);
  }

  #enrol() {
    const code = this.#linkedCode;
    this.#linkedCode = null;
    this.#enrolling = true;
    return new EnrolScreen(this.#surroundings, code);
  }

  #enrolled() {
    const { words } = this.#surroundings;
    return plainPage({
      icon: "check",
      tone: "good",
      title: words.enrol.doneTitle,
      text: words.enrol.doneText,
      action: { words: words.enrol.start, act: () => this.#begin() },
    });
  }

  #begin() {
    this.#enrolling = false;
    this.update();
  }

  /** @param {State} state */
  #trouble({ problem }) {
    const said = this.#surroundings.words.trouble;
    const code = /** @type {"storage" | "insecure" | "unsupported" | "untrusted"} */ (
      problem?.code ?? "storage"
    );
    return plainPage({
      icon: "warning",
      tone: "bad",
      title: said[code],
      text: said[`${code}Text`],
    });
  }

  #elsewhere() {
    const { words, phone } = this.#surroundings;
    return plainPage({
      icon: "phone",
      tone: "plain",
      title: words.trouble.elsewhere,
      text: words.trouble.elsewhereText,
      action: { words: words.trouble.takeOver, act: () => void phone.takeOver() },
    });
  }

  /** @param {State} state */
  #ended({ endedBecause }) {
    const { words, phone } = this.#surroundings;
    const why = endedBecause ?? "revoked";
    return plainPage({
      icon: "phone",
      tone: "plain",
      title: words.ended[why],
      text: words.ended[`${why}Text`],
      action: { words: words.ended.again, act: () => void phone.forget() },
    });
  }

  /** @param {State} state */
  #entitle({ requests, newcomers, deviceName }) {
    const { words } = this.#surroundings;
    const count = requests.length + newcomers.length;
    const name = deviceName ? `${words.app} · ${deviceName}` : words.app;
    document.title = count > 0 ? `(${count}) ${name}` : name;
  }
}
