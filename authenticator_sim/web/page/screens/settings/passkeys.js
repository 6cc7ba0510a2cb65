// The passkeys of this phone.

import { element } from "../../look/dom.js";
import { button } from "../../parts/buttons.js";
import { confirmed } from "../../parts/dialogs.js";
import { icon } from "../../parts/icons.js";
import { dateOf } from "../../words/times.js";
import { askPin } from "../ask-pin.js";
import { SettingsPage } from "./page.js";

/** @typedef {import("../../model.js").Passkey} Passkey */

/**
 * @param {import("../../parts/view.js").Surroundings} surroundings
 * @param {() => void} back
 * @returns {import("../../parts/view.js").View}
 */
export function passkeysPage(surroundings, back) {
  const { phone, words } = surroundings;
  const said = words.passkeys;
  const page = new SettingsPage(surroundings, said.title, back);
  const again = () => button(words.tryAgain, () => void load());
  const load = () => page.load(() => phone.passkeys(), show, again);
  const add = async () => {
    const act = async (/** @type {string} */ pin) => {
      await phone.addPasskey(pin);
      return true;
    };
    if (await askPin(surroundings, { title: said.pinTitle, act })) {
      await load();
      page.say(said.added);
    }
  };
  const remove = async (/** @type {Passkey} */ { passkeyId }) => {
    const question = { title: said.removeTitle, text: said.removeText, action: said.remove };
    if (!(await confirmed(surroundings, question))) {
      return;
    }
    if (await page.attempt(() => phone.removePasskey(passkeyId).then(() => true))) {
      await load();
      page.say(said.removed);
    }
  };
  /** @param {import("../../model.js").Passkeys} found */
  const show = ({ passkeys, offered }) => [
    element("p", { class: "hint" }, offered ? said.text : said.notOffered),
    passkeys.length > 0
      ? element("ul", { class: "rows" }, ...passkeys.map((each) => row(each)))
      : element("p", { class: "hint", hidden: !offered }, said.none),
    offered ? button(said.add, () => void add(), { kind: "primary", icon: "fingerprint" }) : null,
  ];
  /** @param {Passkey} passkey */
  const row = (passkey) =>
    element(
      "li",
      { class: "row" },
      element("span", { class: "avatar device", "aria-hidden": "true" }, icon("fingerprint")),
      element(
        "div",
        { class: "card-text" },
        element("span", { class: "card-client" }, said.one),
        element(
          "span",
          { class: "card-title" },
          `${said.since(dateOf(passkey.registeredAt, words))}, ${passkey.synced ? said.synced : said.local}`,
        ),
      ),
      button(said.remove, () => void remove(passkey), { kind: "plain" }),
    );
  void load();
  return page;
}
