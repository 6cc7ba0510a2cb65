// How the service is, at a glance.

import { resource, withQuery } from "../api/paths.js";
import { read } from "../api/requests.js";
import { element } from "../look/dom.js";
import { badge } from "../parts/badge.js";
import { datum } from "../parts/datum.js";
import { distance } from "../parts/instant.js";
import { nothing, panel } from "../parts/panel.js";
import { table } from "../parts/table.js";
import { place } from "../shell/route.js";
import { EventTail } from "./event_tail.js";

const SHOWN = 8;
const MOST = "100";

/** @type {Record<string, string>} */
const MISSING = {
  store: "The store cannot be reached.",
  clock: "The clocks of this host and of the store differ by more than two seconds.",
  subscription: "This process does not hear what the others say.",
};

/**
 * @typedef {import("../api/documents.js").Page<any>} AnyPage
 * @typedef {{ status: import("../api/documents.js").ServiceState, pending: AnyPage, due: AnyPage,
 *   abandoned: AnyPage, locked: AnyPage }} Glance
 */

/**
 * @param {import("../shell/desk.js").Desk} desk
 * @returns {import("../shell/desk.js").View}
 */
export function overviewView(desk) {
  const { body } = desk.keep({ load, draw, seconds: 10 });
  const tail = new EventTail(desk, { most: SHOWN });
  const all = element("a", { href: place("events"), class: "all" }, "All events");
  const events = panel("Security events", [tail.body], all);
  return { title: "Overview", body: [body, events] };
}

/** @returns {Promise<Glance>} */
async function load() {
  const deliveries = resource("deliveries");
  const [status, pending, due, abandoned, locked] = await Promise.all([
    read(resource("status")),
    read(withQuery(resource("transactions"), { limit: MOST })),
    read(withQuery(deliveries, { state: "due", limit: MOST })),
    read(withQuery(deliveries, { limit: MOST })),
    read(withQuery(resource("users"), { locked: "true", limit: MOST })),
  ]);
  // What changes with every look, and is not shown.
  return {
    status: { ...status, time: "", held_polls: 0, event_streams: 0 },
    pending,
    due,
    abandoned,
    locked,
  };
}

/** @param {Glance} glance */
function draw({ status, pending, due, abandoned, locked }) {
  const waiting = status.evidence_waiting;
  return [
    standing(status),
    element(
      "ul",
      { class: "tiles" },
      tile("Requests pending", count(pending), place("transactions")),
      tile("Callbacks due", count(due), `${place("deliveries")}?state=due`),
      tile("Callbacks given up", count(abandoned), place("deliveries"), abandoned.items.length > 0),
      tile("Users locked", count(locked), `${place("users")}?locked=true`, locked.items.length > 0),
      tile("Phones connected", String(status.connected_phones), place("phones")),
      tile("Evidence waiting", waiting === null ? "?" : String(waiting), place("evidence")),
    ),
    pendingPanel(pending),
  ];
}

/** @param {import("../api/documents.js").ServiceState} status */
function standing(status) {
  const sentence = status.ready
    ? "The service is ready."
    : (MISSING[status.missing ?? ""] ?? `The service is not ready: ${status.missing}.`);
  return element(
    "p",
    { class: status.ready ? "standing good" : "standing bad", role: "status" },
    element("strong", {}, sentence),
    " ",
    element("span", { class: "muted" }, datum(status.issuer)),
  );
}

/**
 * @param {string} name
 * @param {string} number
 * @param {string} href
 * @param {boolean} [isWorrying]
 */
function tile(name, number, href, isWorrying = false) {
  return element(
    "li",
    {},
    element(
      "a",
      { href, class: isWorrying ? "tile worrying" : "tile" },
      element("span", { class: "tile-number" }, number),
      " ",
      element("span", { class: "tile-name" }, name),
    ),
  );
}

/** @param {AnyPage} page */
function count(page) {
  return page.next === null ? String(page.items.length) : `${page.items.length}+`;
}

/** @param {import("../api/documents.js").Page<import("../api/documents.js").PendingSummary>} page */
function pendingPanel(page) {
  const shown = page.items.toSorted((a, b) => a.expires_at.localeCompare(b.expires_at));
  const list =
    shown.length === 0
      ? nothing("Nobody is being asked at the moment.")
      : table(
          "Requests that expire next",
          [
            {
              title: "Request",
              cell: (each) =>
                element(
                  "a",
                  { href: place("transactions", each.transaction_id), class: "identifier" },
                  each.transaction_id,
                ),
            },
            { title: "Client", cell: (each) => datum(each.client_id) },
            { title: "State", wide: true, cell: () => badge("pending") },
            { title: "Expires", end: true, cell: (each) => distance(each.expires_at) },
          ],
          shown.slice(0, SHOWN),
        );
  return panel(
    "Expiring next",
    [list],
    element("a", { href: place("transactions"), class: "all" }, "All requests"),
  );
}
