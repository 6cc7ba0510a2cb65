// What this phone is, what it stores, and which other phones this browser has.

import { element } from "../../look/dom.js";
import { button } from "../../parts/buttons.js";
import { confirmed } from "../../parts/dialogs.js";
import { foreign } from "../approval/contents.js";
import { nextNumber, phoneNumbers } from "../phone-numbers.js";
import { SettingsPage } from "./page.js";

/**
 * @param {import("../../parts/view.js").Surroundings} surroundings
 * @param {() => void} back
 * @returns {import("../../parts/view.js").View}
 */
export function aboutPage(surroundings, back) {
  const { phone, words, number } = surroundings;
  const said = words.about;
  const { deviceName, subject, issuer, deviceId } = phone.state;
  const page = new SettingsPage(surroundings, said.title, back);
  const others = element("div", { class: "stack" });
  const forget = async () => {
    const question = { title: said.forgetTitle, text: said.forgetText, action: said.forget };
    if (await confirmed(surroundings, question)) {
      await page.attempt(() => phone.forget());
    }
  };
  page.body.append(
    element(
      "dl",
      { class: "card facts" },
      fact(said.name, deviceName),
      fact(said.subject, subject),
      fact(said.issuer, issuer),
      fact(said.deviceId, deviceId),
      fact(said.number, words.phoneNumber(number)),
    ),
    element("h2", {}, said.stored),
    element("p", { class: "hint" }, said.storedText),
    others,
    button(said.forget, () => void forget(), { kind: "plain" }),
  );
  void phoneNumbers(phone.issuer).then((numbers) => {
    const there = numbers.filter((each) => each !== number);
    others.append(
      element("h2", {}, said.other),
      ...there.map((each) => phoneLink(each, words.phoneNumber(each))),
      phoneLink(nextNumber(numbers), said.further),
    );
  });
  return page;
}

/**
 * @param {string} label
 * @param {string | null} value
 */
function fact(label, value) {
  return element(
    "div",
    {},
    element("dt", { class: "label" }, label),
    element("dd", {}, foreign(value ?? "–")),
  );
}

/**
 * @param {number} number
 * @param {string} text
 */
function phoneLink(number, text) {
  return element("a", { class: "button quiet", href: `?phone=${number}`, target: "_blank" }, text);
}
