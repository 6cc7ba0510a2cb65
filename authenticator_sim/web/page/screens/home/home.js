// The overview: what waits for the user, what is new, and what was decided.

import { element } from "../../look/dom.js";
import { icon } from "../../parts/icons.js";
import { KeptList } from "../../parts/kept-list.js";
import { Header } from "../header.js";
import { ConnectionBanner } from "./banner.js";
import { requestCard } from "./card.js";
import { History } from "./history.js";
import { newcomerCard } from "./newcomer-card.js";
import { noticeRow, noticeText } from "./notices.js";

/** @typedef {import("../../model.js").State} State */

/** Keeps up with the phone without moving what is being read or touched. */
export class Home {
  /** @type {Header} */
  #header;
  /** @type {ConnectionBanner} */
  #banner;
  /** @type {History} */
  #history;
  #requests = element("ul", { class: "cards" });
  #newcomers = element("ul", { class: "cards" });
  #notices = element("ul", { class: "notices" });
  #lock = element("p", { class: "notice alarming", hidden: true });
  #mended = element("p", { class: "notice alarming", hidden: true });
  #empty = element("div", { class: "empty" });
  /** @type {KeptList<import("../../model.js").Request>} */
  #requestList;
  /** @type {KeptList<import("../../model.js").Newcomer>} */
  #newcomerList;
  /** @type {KeptList<import("../../model.js").Notice>} */
  #noticeList;
  #begun = false;
  /** @type {import("../../parts/view.js").Surroundings} */
  #surroundings;

  /**
   * @param {import("../../parts/view.js").Surroundings} surroundings
   * @param {() => void} toSettings
   */
  constructor(surroundings, toSettings) {
    const { words } = surroundings;
    this.#surroundings = surroundings;
    this.#header = new Header(surroundings, toSettings);
    this.#banner = new ConnectionBanner(surroundings);
    this.#history = new History(surroundings);
    this.#requestList = new KeptList(
      this.#requests,
      (request) => request.transactionId,
      (request) => requestCard(request, surroundings),
    );
    this.#newcomerList = new KeptList(
      this.#newcomers,
      (newcomer) => newcomer.deviceId,
      (newcomer) => newcomerCard(newcomer, surroundings),
    );
    this.#noticeList = new KeptList(
      this.#notices,
      (notice) => String(notice.id),
      (notice) => noticeRow(notice, surroundings),
    );
    this.#lock.append(icon("lock"), words.home.locked);
    this.#mended.append(icon("warning"), words.trouble.mended);
    this.#empty.append(
      icon("shield"),
      element("p", { class: "empty-title" }, words.home.emptyTitle),
      element("p", { class: "hint" }, words.home.emptyText),
    );
    this.element = element(
      "div",
      { class: "screen home" },
      this.#header.element,
      element(
        "main",
        {},
        this.#lock,
        this.#mended,
        section(words.home.waiting, this.#requests, this.#newcomers, this.#empty),
        this.#notices,
        section(words.home.history, this.#history.element),
      ),
      this.#banner.element,
    );
  }

  /** @param {State} state */
  update(state) {
    this.#header.update(state);
    this.#banner.update(state);
    this.#history.update(state.history);
    this.#lock.hidden = !state.locked;
    this.#mended.hidden = state.problem?.code !== "mended";
    this.#empty.hidden = state.requests.length + state.newcomers.length > 0;
    const requests = this.#requestList.update(state.requests);
    const newcomers = this.#newcomerList.update(state.newcomers);
    const notices = this.#noticeList.update(state.notices);
    if (this.#begun) {
      this.#announce({ requests, newcomers, notices });
    }
    this.#begun = true;
    this.tick(Date.now());
  }

  /** @param {number} now milliseconds */
  tick(now) {
    this.#banner.tick(now);
    this.#requestList.tick(now);
    this.#newcomerList.tick(now);
  }

  /** @param {Pick<State, "requests" | "newcomers" | "notices">} fresh */
  #announce({ requests, newcomers, notices }) {
    const { words, announcer } = this.#surroundings;
    const said = [
      ...requests.map(({ display }) => words.home.arrived(display.client)),
      ...newcomers.map(({ name }) => words.newcomer.card(name)),
      ...notices.map((notice) => noticeText(notice, words)),
    ];
    if (said.length > 0) {
      announcer.say(said.join(" "));
    }
  }
}

/**
 * @param {string} title
 * @param {...HTMLElement} parts
 */
function section(title, ...parts) {
  return element("section", {}, element("h2", {}, title), ...parts);
}
