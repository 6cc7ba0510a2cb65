// Callbacks: those given up, and those that are due.

import { resource } from "../api/paths.js";
import { element } from "../look/dom.js";
import { datum } from "../parts/datum.js";
import { distance, instant } from "../parts/instant.js";
import { Paged } from "../parts/paged.js";
import { nothing, panel } from "../parts/panel.js";
import { table } from "../parts/table.js";
import { tabs } from "../parts/tabs.js";
import { place } from "../shell/route.js";
import { redeliverChange } from "./delivery.js";
import { reasonSentence } from "./timeline.js";

/** @typedef {import("../api/documents.js").DeliverySummary} DeliverySummary */

/**
 * @param {import("../shell/desk.js").Desk} desk
 * @param {URLSearchParams} query
 * @returns {import("../shell/desk.js").View}
 */
export function deliveriesView(desk, query) {
  const isDue = query.get("state") === "due";
  const list = new Paged(resource("deliveries"), { state: isDue ? "due" : "abandoned" });
  const { body } = desk.keep({
    load: () => list.load(),
    draw,
    seconds: 5,
  });

  /**
   * @param {import("../api/documents.js").Page<DeliverySummary>} page
   * @param {() => void} again
   */
  function draw({ items, next }, again) {
    if (items.length === 0 && next === null) {
      return [
        nothing(isDue ? "No callback is due." : "No callback was given up in the last seven days."),
      ];
    }
    return [isDue ? dueTable(items) : abandonedTable(desk, items, again), list.more(next, again)];
  }

  const states = tabs("Which callbacks", [
    ["Given up", place("deliveries"), !isDue],
    ["Due", `${place("deliveries")}?state=due`, isDue],
  ]);
  return { title: "Callbacks", body: [panel(isDue ? "Due" : "Given up", [body], states)] };
}

/** @type {import("../parts/table.js").Column<DeliverySummary>[]} */
const WHOSE = [
  {
    title: "Request",
    cell: (each) =>
      element(
        "a",
        { href: place("deliveries", each.transaction_id), class: "identifier" },
        each.transaction_id,
      ),
  },
  { title: "Client", cell: (each) => datum(each.client_id) },
  { title: "Attempts", wide: true, end: true, cell: (each) => each.attempts },
];

/** @param {DeliverySummary[]} items */
function dueTable(items) {
  return table(
    "Callbacks that are due",
    [
      ...WHOSE,
      { title: "Next attempt", end: true, cell: (each) => (each.at ? distance(each.at) : "–") },
    ],
    items,
  );
}

/**
 * @param {import("../shell/desk.js").Desk} desk
 * @param {DeliverySummary[]} items
 * @param {() => void} again
 */
function abandonedTable(desk, items, again) {
  return table(
    "Callbacks that were given up",
    [
      ...WHOSE,
      {
        title: "Why",
        wide: true,
        cell: (each) => (each.reason ? reasonSentence(each.reason) : "–"),
      },
      { title: "When", wide: true, cell: (each) => (each.at ? instant(each.at) : "–") },
      { title: "", end: true, cell: (each) => desk.button(redeliverChange(desk, each, again)) },
    ],
    items,
  );
}
