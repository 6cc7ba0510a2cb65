// A login name that works once, for clients that need not know who asks.

import { element } from "../../look/dom.js";
import { button } from "../../parts/buttons.js";
import { copyable } from "../../parts/copyable.js";
import { remaining } from "../../words/times.js";
import { SettingsPage } from "./page.js";

/**
 * @param {import("../../parts/view.js").Surroundings} surroundings
 * @param {() => void} back
 * @returns {import("../../parts/view.js").View}
 */
export function handlePage(surroundings, back) {
  const { phone, words } = surroundings;
  const said = words.handle;
  const page = new SettingsPage(surroundings, said.title, back);
  const until = element("p", { class: "hint" });
  const place = element("div", {});
  const make = button(said.make, () => void show(), { kind: "primary" });
  let expiresAt = 0;
  const tick = (/** @type {number} */ now) => {
    if (expiresAt === 0) {
      return;
    }
    const over = now >= expiresAt;
    until.textContent = over ? said.over : said.until(remaining(expiresAt - now));
    place.hidden = over;
  };
  const show = async () => {
    const made = await page.attempt(() => phone.makeHandle());
    if (made) {
      expiresAt = made.expiresAt;
      place.replaceChildren(copyable(said.name, made.handle, surroundings));
      make.replaceChildren(said.another);
      tick(Date.now());
    }
  };
  page.body.append(element("p", { class: "hint" }, said.text), place, until, make);
  return { element: page.element, tick };
}
