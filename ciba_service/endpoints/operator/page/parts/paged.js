// Lists that come in pages, of which more are shown when somebody wants them.

import { withQuery } from "../api/paths.js";
import { read } from "../api/requests.js";
import { element } from "../look/dom.js";

const MOST_PAGES = 20;

/** A list and how many pages of it are wanted. */
export class Paged {
  #wanted = 1;

  /**
   * @param {string} path
   * @param {Record<string, string | null>} [query]
   */
  constructor(path, query = {}) {
    this.path = path;
    this.query = query;
  }

  /**
   * What is wanted of it, as one page.
   *
   * @returns {Promise<import("../api/documents.js").Page<any>>}
   */
  async load() {
    /** @type {any[]} */
    const items = [];
    let next = null;
    for (let page = 0; page < this.#wanted; page++) {
      const found = await read(withQuery(this.path, { ...this.query, cursor: next }));
      items.push(...found.items);
      next = found.next;
      if (next === null) {
        break;
      }
    }
    return { items, next };
  }

  /**
   * The button for more of it, where there is more.
   *
   * @param {string | null} next
   * @param {() => void} again
   * @returns {HTMLElement | null}
   */
  more(next, again) {
    if (next === null) {
      return null;
    }
    if (this.#wanted >= MOST_PAGES) {
      return element("p", { class: "more muted" }, "There are more, which are not shown here.");
    }
    const onclick = () => {
      this.#wanted += 1;
      again();
    };
    return element(
      "p",
      { class: "more" },
      element(
        "button",
        { type: "button", class: "button", "data-focus": "more", onclick },
        "Show more",
      ),
    );
  }
}
