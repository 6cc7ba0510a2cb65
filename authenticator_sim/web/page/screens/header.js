// The head of the overview: whose phone it is, how it is connected, and the way to the settings.

import { element } from "../look/dom.js";
import { pictureButton } from "../parts/buttons.js";
import { icon } from "../parts/icons.js";

/** Shows the name and number of the phone and a small sign of its connection. */
export class Header {
  #name = element("p", { class: "header-name" });
  #pill = element("span", { class: "pill" });
  /** @type {import("../parts/view.js").Surroundings} */
  #surroundings;

  /**
   * @param {import("../parts/view.js").Surroundings} surroundings
   * @param {() => void} toSettings
   */
  constructor(surroundings, toSettings) {
    this.#surroundings = surroundings;
    const { words } = surroundings;
    this.element = element(
      "header",
      { class: "header" },
      element("span", { class: "mark", "aria-hidden": "true" }, icon("shield")),
      element("div", { class: "header-text" }, element("h1", {}, words.app), this.#name),
      this.#pill,
      pictureButton("settings", words.home.settings, toSettings),
    );
  }

  /** @param {import("../model.js").State} state */
  update({ deviceName, connection }) {
    const { words, number } = this.#surroundings;
    const which = number > 1 ? `${words.phoneNumber(number)} · ` : "";
    this.#name.textContent = `${which}${deviceName ?? ""}`;
    this.#pill.dataset.connection = connection;
    this.#pill.textContent = words.connection[connection];
  }
}
