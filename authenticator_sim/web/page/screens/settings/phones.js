// The user's phones: name them, remove them, add one, give this one up.

import { element } from "../../look/dom.js";
import { button, submitButton } from "../../parts/buttons.js";
import { confirmed } from "../../parts/dialogs.js";
import { Field } from "../../parts/field.js";
import { icon } from "../../parts/icons.js";
import { dateOf } from "../../words/times.js";
import { foreign } from "../approval/contents.js";
import { askPin } from "../ask-pin.js";
import { invitationSheet } from "./invitation.js";
import { SettingsPage } from "./page.js";

/** @typedef {import("../../parts/view.js").Surroundings} Surroundings */
/** @typedef {import("../../model.js").Device} Device */

/**
 * @param {Surroundings} surroundings
 * @param {() => void} back
 * @returns {import("../../parts/view.js").View}
 */
export function phonesPage(surroundings, back) {
  const { phone, words, stage } = surroundings;
  const said = words.phones;
  const page = new SettingsPage(surroundings, words.settings.phones, back);
  const again = () => button(words.tryAgain, () => void load());
  const load = () => page.load(() => phone.devices(), show, again);

  const revoke = async (/** @type {Device} */ { deviceId, name }) => {
    const revoked = await askPin(surroundings, {
      title: said.revokeTitle(name),
      text: said.revokeText,
      act: async (pin) => {
        await phone.revokeDevice(deviceId, pin);
        return true;
      },
    });
    if (revoked) {
      await load();
      page.say(said.revoked(name));
    }
  };
  const invite = async () => {
    const title = said.inviteTitle;
    const invitation = await askPin(surroundings, { title, act: (pin) => phone.invite(pin) });
    if (invitation) {
      await stage.open(invitationSheet(invitation, surroundings));
    }
  };
  const giveUp = async () => {
    const question = { title: said.giveUpTitle, text: said.giveUpText, action: said.giveUp };
    if (await confirmed(surroundings, question)) {
      await page.attempt(() => phone.giveUp());
    }
  };
  const renamed = async () => {
    await load();
    page.say(said.renamed);
  };
  /** @param {readonly Device[]} devices */
  const show = (devices) => [
    element(
      "ul",
      { class: "rows" },
      ...devices.map((device) => deviceRow(device, words, () => void revoke(device))),
    ),
    renaming(surroundings, page, () => void renamed()),
    button(said.invite, () => void invite(), { kind: "primary", icon: "phone" }),
    button(said.giveUp, () => void giveUp(), { kind: "plain" }),
  ];
  void load();
  return page;
}

/**
 * @param {Device} device
 * @param {import("../../words/en.js").Words} words
 * @param {() => void} revoke
 */
function deviceRow({ name, enrolledAt, isThis }, words, revoke) {
  const said = words.phones;
  const remove = button(said.revoke, revoke, { kind: "plain" });
  remove.setAttribute("aria-label", said.revokeNamed(name));
  return element(
    "li",
    { class: "row" },
    element("span", { class: "avatar device", "aria-hidden": "true" }, icon("phone")),
    element(
      "div",
      { class: "card-text" },
      element("span", { class: "card-client" }, foreign(name)),
      element("span", { class: "card-title" }, said.since(dateOf(enrolledAt, words))),
    ),
    isThis ? element("span", { class: "pill" }, said.this) : remove,
  );
}

/**
 * @param {Surroundings} surroundings
 * @param {SettingsPage} page
 * @param {() => void} done
 */
function renaming({ phone, words }, page, done) {
  const said = words.phones;
  const field = new Field({ label: said.newName, input: { maxLength: 64 } });
  field.value = phone.state.deviceName ?? "";
  const rename = async () => {
    const name = field.value;
    if (await page.attempt(() => phone.rename(name).then(() => true))) {
      done();
    }
  };
  return element(
    "form",
    {
      class: "card stack",
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        void rename();
      },
    },
    element("h2", {}, said.rename),
    field.element,
    submitButton(said.save, "quiet"),
  );
}
