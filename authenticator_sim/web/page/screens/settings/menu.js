// The settings, as a list of what there is.

import { element } from "../../look/dom.js";
import { icon } from "../../parts/icons.js";
import { keepLanguage, WORDS } from "../../words/language.js";
import { aboutPage } from "./about.js";
import { accessesPage } from "./accesses.js";
import { handlePage } from "./handle.js";
import { SettingsPage } from "./page.js";
import { passkeysPage } from "./passkeys.js";
import { phonesPage } from "./phones.js";
import { pinPage } from "./pin.js";

/** @typedef {import("../../parts/view.js").Surroundings} Surroundings */
/** @typedef {import("../../parts/view.js").View} View */
/** @typedef {(surroundings: Surroundings, back: () => void) => View} PageMaker */

/**
 * @param {Surroundings} surroundings
 * @param {() => void} back
 * @returns {View}
 */
export function settingsMenu(surroundings, back) {
  const { words, stage } = surroundings;
  const said = words.settings;
  const page = new SettingsPage(surroundings, said.title, back);
  const here = () => stage.show(settingsMenu(surroundings, back));
  /**
   * @param {import("../../parts/icons.js").IconName} name
   * @param {string} title
   * @param {string} text
   * @param {PageMaker} make
   */
  const way = (name, title, text, make) =>
    element(
      "li",
      {},
      element(
        "button",
        {
          type: "button",
          class: "card way",
          onclick: () => stage.show(make(surroundings, here)),
        },
        icon(name),
        element(
          "span",
          { class: "card-text" },
          element("span", { class: "card-client" }, title),
          element("span", { class: "card-title" }, text),
        ),
        icon("forward"),
      ),
    );
  page.body.append(
    element(
      "ul",
      { class: "cards" },
      way("phone", said.phones, said.phonesText, phonesPage),
      way("lock", said.pin, said.pinText, pinPage),
      way("fingerprint", said.passkeys, said.passkeysText, passkeysPage),
      way("loop", said.accesses, said.accessesText, accessesPage),
      way("person", said.handle, said.handleText, handlePage),
      way("info", said.about, said.aboutText, aboutPage),
    ),
    languageChoice(said.language, words.tag),
  );
  return page;
}

/**
 * @param {string} label
 * @param {string} chosen
 */
function languageChoice(label, chosen) {
  const choice = element(
    "select",
    {
      id: "language",
      onchange: () => {
        keepLanguage(choice.value === "de" ? "de" : "en");
        location.reload();
      },
    },
    ...Object.values(WORDS).map(({ tag, language }) =>
      element("option", { value: tag, selected: tag === chosen, lang: tag }, language),
    ),
  );
  return element(
    "div",
    { class: "card choice" },
    icon("globe"),
    element("label", { for: "language" }, label),
    choice,
  );
}
