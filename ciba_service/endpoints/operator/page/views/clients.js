// Clients: those of the configuration, and those that registered.

import { resource } from "../api/paths.js";
import { element } from "../look/dom.js";
import { badge } from "../parts/badge.js";
import { datum } from "../parts/datum.js";
import { Paged } from "../parts/paged.js";
import { nothing, panel } from "../parts/panel.js";
import { table } from "../parts/table.js";
import { place } from "../shell/route.js";

/** @typedef {import("../api/documents.js").ClientSummary} ClientSummary */

/**
 * @param {import("../shell/desk.js").Desk} desk
 * @returns {import("../shell/desk.js").View}
 */
export function clientsView(desk) {
  const list = new Paged(resource("clients"));
  const { body } = desk.keep({
    load: () => list.load(),
    draw,
    seconds: 10,
  });

  /**
   * @param {import("../api/documents.js").Page<ClientSummary>} page
   * @param {() => void} again
   */
  function draw({ items, next }, again) {
    if (items.length === 0 && next === null) {
      return [nothing("There are no clients.")];
    }
    const rows = table(
      "Clients",
      [
        {
          title: "Name",
          cell: (each) =>
            element("a", { href: place("clients", each.client_id) }, datum(each.name)),
        },
        { title: "Client id", wide: true, cell: (each) => datum(each.client_id) },
        { title: "Mode", wide: true, cell: (each) => each.delivery_mode },
        { title: "Profile", wide: true, cell: (each) => each.profile },
        { title: "From", wide: true, cell: (each) => originWords(each) },
        { title: "State", end: true, cell: (each) => clientBadge(each) },
      ],
      items,
    );
    return [rows, list.more(next, again)];
  }

  return { title: "Clients", body: [panel("Clients", [body])] };
}

/**
 * @param {{ enabled: boolean }} client
 * @returns {HTMLElement}
 */
export function clientBadge({ enabled }) {
  return enabled ? badge("enabled", "good") : badge("disabled", "warn");
}

/**
 * @param {{ origin: "configured" | "registered" }} client
 * @returns {string}
 */
export function originWords({ origin }) {
  return origin === "configured" ? "the configuration" : "its registration";
}
