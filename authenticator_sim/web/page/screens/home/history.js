// What was decided, day by day.

import { element, fill } from "../../look/dom.js";
import { avatar } from "../../parts/avatar.js";
import { icon } from "../../parts/icons.js";
import { clockTime, dayOf } from "../../words/times.js";
import { foreign } from "../approval/contents.js";

/** @typedef {import("../../model.js").Decided} Decided */
/** @typedef {import("../../parts/view.js").Surroundings} Surroundings */

/** The history of this phone; drawn anew only when it is another one, or the day ends. */
export class History {
  /** @type {readonly Decided[] | null} */
  #shown = null;
  #today = "";
  /** @type {Surroundings} */
  #surroundings;

  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.#surroundings = surroundings;
    this.element = element("div", { class: "history" });
  }

  /** @param {readonly Decided[]} history the newest first */
  update(history) {
    const now = Date.now();
    const today = new Date(now).toDateString();
    if (this.#shown === history && this.#today === today) {
      return;
    }
    this.#shown = history;
    this.#today = today;
    const { words } = this.#surroundings;
    if (history.length === 0) {
      fill(this.element, element("p", { class: "hint" }, words.home.historyEmpty));
      return;
    }
    const days = Map.groupBy(history, ({ decidedAt }) => dayOf(decidedAt, now, words));
    const parts = [...days].flatMap(([day, decided]) => [
      element("h3", { class: "day" }, day),
      element("ul", { class: "rows" }, ...decided.map((each) => this.#row(each))),
    ]);
    fill(this.element, ...parts);
  }

  /** @param {Decided} decided */
  #row({ display, verdict, reason, decidedAt, locale }) {
    const { words, logos } = this.#surroundings;
    const verdictWords = reason === "not_me" ? words.home.notMe : words.home[verdict];
    return element(
      "li",
      { class: "row" },
      avatar(display, logos),
      element(
        "div",
        { class: "card-text" },
        element("span", { class: "card-client" }, foreign(display.client)),
        element(
          "span",
          { class: "card-title", lang: locale },
          foreign(display.payee ?? display.title),
        ),
      ),
      element(
        "div",
        { class: "row-end" },
        display.amount
          ? element("span", { class: "row-amount", lang: locale }, foreign(display.amount))
          : null,
        element(
          "span",
          { class: `verdict ${verdict}` },
          icon(verdict === "approved" ? "check" : "cross"),
          `${verdictWords}, ${clockTime(decidedAt, words)}`,
        ),
      ),
    );
  }
}
