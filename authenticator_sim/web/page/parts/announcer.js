// What is said to those who do not see the page change.

import { element } from "../look/dom.js";

/** @typedef {{polite: HTMLElement, urgent: HTMLElement}} Regions */

/** Live regions, of which only those are heard that lie within the topmost dialog. */
export class Announcer {
  /** @type {Regions[]} */
  #heard = [];

  /**
   * Be heard in here until the function that is given back is called.
   *
   * @param {HTMLElement} place
   * @returns {() => void}
   */
  within(place) {
    const regions = {
      polite: element("div", { class: "visually-hidden", role: "status" }),
      urgent: element("div", { class: "visually-hidden", role: "alert" }),
    };
    place.append(regions.polite, regions.urgent);
    this.#heard.push(regions);
    return () => {
      this.#heard = this.#heard.filter((each) => each !== regions);
    };
  }

  /** @param {string} text to be said in the next pause */
  say(text) {
    const regions = this.#heard.at(-1);
    if (regions) {
      regions.polite.textContent = text;
    }
  }

  /** @param {string} text to be said at once */
  interrupt(text) {
    const regions = this.#heard.at(-1);
    if (regions) {
      regions.urgent.textContent = text;
    }
  }
}
