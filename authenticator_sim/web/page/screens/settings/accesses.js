// Who may come back without asking, and the end of it.

import { element } from "../../look/dom.js";
import { button } from "../../parts/buttons.js";
import { confirmed } from "../../parts/dialogs.js";
import { dateOf } from "../../words/times.js";
import { details, foreign, shares } from "../approval/contents.js";
import { SettingsPage } from "./page.js";

/** @typedef {import("../../model.js").Access} Access */

/**
 * @param {import("../../parts/view.js").Surroundings} surroundings
 * @param {() => void} back
 * @returns {import("../../parts/view.js").View}
 */
export function accessesPage(surroundings, back) {
  const { phone, words } = surroundings;
  const said = words.accesses;
  const page = new SettingsPage(surroundings, said.title, back);
  const again = () => button(words.tryAgain, () => void load());
  const load = () => page.load(() => phone.accesses(), show, again);
  const end = async (/** @type {Access} */ { transactionId, client }) => {
    const question = { title: said.endTitle(client), text: said.endText, action: said.end };
    if (!(await confirmed(surroundings, question))) {
      return;
    }
    if (await page.attempt(() => phone.endAccess(transactionId).then(() => true))) {
      await load();
      page.say(said.ended(client));
    }
  };
  /** @param {readonly Access[]} accesses */
  const show = (accesses) => [
    element("p", { class: "hint" }, accesses.length > 0 ? said.text : said.none),
    ...accesses.map((access) =>
      element(
        "section",
        { class: "card stack" },
        element("h2", {}, foreign(access.client)),
        ...details(access),
        shares(access.shares, said.shares),
        element("p", { class: "hint" }, said.since(dateOf(access.since, words))),
        element("p", { class: "hint" }, said.until(dateOf(access.until, words))),
        button(said.end, () => void end(access), { kind: "bad" }),
      ),
    ),
  ];
  void load();
  return page;
}
