// Lists as tables: a header for each column, and of small screens only what matters.

import { element } from "../look/dom.js";

/**
 * @template Item
 * @typedef {{ title: string, cell: (item: Item) => import("../look/dom.js").Child, wide?: boolean,
 *   end?: boolean }} Column `wide`: left out on small screens; `end`: a number, or what to do
 */

/**
 * @template Item
 * @param {string} caption
 * @param {Column<Item>[]} columns
 * @param {Item[]} items
 * @returns {HTMLElement}
 */
export function table(caption, columns, items) {
  const heads = columns.map((column) =>
    element(
      "th",
      { scope: "col", class: classOf(column) },
      column.title || element("span", { class: "visually-hidden" }, "Changes"),
    ),
  );
  const rows = items.map((item) =>
    element(
      "tr",
      {},
      ...columns.map((column) => element("td", { class: classOf(column) }, column.cell(item))),
    ),
  );
  return element(
    "div",
    { class: "table" },
    element(
      "table",
      {},
      element("caption", { class: "visually-hidden" }, caption),
      element("thead", {}, element("tr", {}, ...heads)),
      element("tbody", {}, ...rows),
    ),
  );
}

/**
 * What one thing is, as names and values; what is null is left out.
 *
 * @param {[string, import("../look/dom.js").Child][]} facts
 * @returns {HTMLElement}
 */
export function facts(facts) {
  const shown = facts.filter(([, value]) => value !== null && value !== undefined);
  return element(
    "dl",
    { class: "facts" },
    ...shown.map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, value)),
    ),
  );
}

/**
 * @template Item
 * @param {Column<Item>} column
 * @returns {string}
 */
function classOf({ wide, end }) {
  return [wide ? "wide" : "", end ? "end" : ""].filter(Boolean).join(" ");
}
