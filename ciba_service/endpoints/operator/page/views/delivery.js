// One callback, and another try.

import { resource } from "../api/paths.js";
import { read } from "../api/requests.js";
import { element } from "../look/dom.js";
import { announce } from "../parts/announce.js";
import { badge } from "../parts/badge.js";
import { datum, identifier } from "../parts/datum.js";
import { distance, instant } from "../parts/instant.js";
import { panel } from "../parts/panel.js";
import { facts } from "../parts/table.js";
import { place } from "../shell/route.js";
import { reasonSentence } from "./timeline.js";

/**
 * @param {import("../shell/desk.js").Desk} desk
 * @param {string} name
 * @returns {import("../shell/desk.js").View}
 */
export function deliveryView(desk, name) {
  const path = resource("deliveries", name);
  const { body } = desk.keep({
    load: () => read(path),
    draw,
    seconds: 5,
  });

  /**
   * @param {import("../api/documents.js").Delivery} delivery
   * @param {() => void} again
   */
  function draw(delivery, again) {
    const isOver = delivery.state === "abandoned" && delivery.redeliver_until === null;
    const until = delivery.redeliver_until;
    return [
      panel(
        "Callback",
        [
          facts([
            ["State", badge(delivery.state)],
            ["Why", delivery.reason ? reasonSentence(delivery.reason) : null],
            ["Attempts", delivery.attempts],
            [
              delivery.state === "abandoned" ? "Given up" : "Next attempt",
              delivery.at ? instant(delivery.at) : null,
            ],
            [
              "Client",
              element(
                "a",
                { href: place("clients", delivery.client_id) },
                datum(delivery.client_id),
              ),
            ],
            ["Request", delivery.transaction ? badge(delivery.transaction) : "gone"],
            [
              "Can be made again",
              until === null
                ? null
                : element("span", {}, "until ", instant(until), " (", distance(until), ")"),
            ],
            [
              "Transaction id",
              element("a", { href: place("transactions", name) }, identifier(name)),
            ],
          ]),
          isOver
            ? element(
                "p",
                { class: "muted" },
                "It cannot be made again: there is nothing left to tell.",
              )
            : null,
        ],
        until === null ? null : desk.button(redeliverChange(desk, delivery, again)),
      ),
    ];
  }

  return { title: "Callback", parent: ["Callbacks", place("deliveries")], body: [body] };
}

/**
 * To have a callback made once more.
 *
 * @param {import("../shell/desk.js").Desk} desk
 * @param {{ transaction_id: string, client_id: string }} delivery
 * @param {() => void} again
 * @returns {import("../shell/desk.js").Change}
 */
export function redeliverChange(desk, { transaction_id: name, client_id: client }, again) {
  return {
    label: "Redeliver",
    title: "Make this callback once more?",
    sentence: ["", datum(client), " is called back now, with all attempts that a callback has."],
    verb: "Redeliver",
    act: async () => {
      await desk.session.write("POST", resource("deliveries", name, "redeliver"));
      announce("The callback is due again.");
      again();
    },
  };
}
