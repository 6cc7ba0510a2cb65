// Requests that nobody has decided.

import { resource } from "../api/paths.js";
import { element } from "../look/dom.js";
import { datum } from "../parts/datum.js";
import { distance } from "../parts/instant.js";
import { Paged } from "../parts/paged.js";
import { nothing, panel } from "../parts/panel.js";
import { table } from "../parts/table.js";
import { place } from "../shell/route.js";
import { cancelChange } from "./transaction.js";

/**
 * @param {import("../shell/desk.js").Desk} desk
 * @returns {import("../shell/desk.js").View}
 */
export function transactionsView(desk) {
  const list = new Paged(resource("transactions"));
  const { body } = desk.keep({
    load: () => list.load(),
    draw,
    seconds: 3,
  });

  /**
   * @param {import("../api/documents.js").Page<import("../api/documents.js").PendingSummary>} page
   * @param {() => void} again
   */
  function draw({ items, next }, again) {
    if (items.length === 0 && next === null) {
      return [nothing("Nobody is being asked at the moment.")];
    }
    const rows = table(
      "Pending requests",
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
        {
          title: "Client",
          cell: (each) =>
            element("a", { href: place("clients", each.client_id) }, datum(each.client_id)),
        },
        { title: "Expires", cell: (each) => distance(each.expires_at) },
        {
          title: "",
          end: true,
          wide: true,
          cell: (each) => desk.button(cancelChange(desk, each, again)),
        },
      ],
      items,
    );
    return [rows, list.more(next, again)];
  }

  return { title: "Requests", body: [find(), panel("Pending", [body])] };
}

/** A request that is over is found by its name, for as long as it is kept. */
function find() {
  const field = element("input", {
    id: "transaction",
    class: "field mono",
    autocomplete: "off",
    spellcheck: false,
    required: true,
    pattern: "[A-Za-z0-9_\\-]{22}",
    title: "22 letters and digits",
  });
  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    location.hash = place("transactions", field.value.trim());
  }
  return element(
    "form",
    { class: "search", role: "search", onsubmit: submit },
    element("label", { for: "transaction" }, "Open a request by its transaction id"),
    element("span", { class: "search-row" }, field, element("button", { class: "button" }, "Open")),
  );
}
