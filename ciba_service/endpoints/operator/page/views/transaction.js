// One request and what happened to it, as it happens.

import { followEvents } from "../api/event_stream.js";
import { resource } from "../api/paths.js";
import { read } from "../api/requests.js";
import { element } from "../look/dom.js";
import { announce, say } from "../parts/announce.js";
import { badge } from "../parts/badge.js";
import { datum, identifier } from "../parts/datum.js";
import { panel } from "../parts/panel.js";
import { facts } from "../parts/table.js";
import { place } from "../shell/route.js";
import { ledgerTitle, timeline } from "./timeline.js";

const OPEN = new Set(["pending", "approved"]);

/**
 * @param {import("../shell/desk.js").Desk} desk
 * @param {string} name
 * @returns {import("../shell/desk.js").View}
 */
export function transactionView(desk, name) {
  const path = resource("transactions", name);
  const { body, again: look } = desk.keep({
    load: () => read(path),
    draw,
    seconds: 15,
  });

  /**
   * @param {import("../api/documents.js").Transaction} transaction
   * @param {() => void} again
   */
  function draw(transaction, again) {
    const cancel = OPEN.has(transaction.state)
      ? desk.button(cancelChange(desk, transaction, again))
      : null;
    return [
      panel(
        "Request",
        [
          facts([
            ["State", badge(transaction.state)],
            [
              "Client",
              element(
                "a",
                { href: place("clients", transaction.client_id) },
                datum(transaction.client_id),
              ),
            ],
            ["Transaction id", identifier(transaction.transaction_id)],
          ]),
        ],
        cancel,
      ),
      panel(
        "What happened",
        [timeline(transaction.events)],
        element(
          "span",
          { class: "muted small-text" },
          transaction.complete ? "Nothing more will." : "Live",
        ),
      ),
    ];
  }

  followEvents(
    `${path}/events`,
    {
      event: ({ name: kind }) => {
        look();
        if (kind !== "complete") {
          say(ledgerTitle(kind));
        }
      },
      connected: () => undefined,
      refused: () => undefined,
    },
    desk.signal,
  );
  return {
    title: `Request ${name.slice(0, 8)}…`,
    parent: ["Requests", place("transactions")],
    body: [body],
  };
}

/**
 * To cancel a request.
 *
 * @param {import("../shell/desk.js").Desk} desk
 * @param {{ transaction_id: string, client_id: string }} transaction
 * @param {() => void} again
 * @returns {import("../shell/desk.js").Change}
 */
export function cancelChange(desk, { transaction_id: name, client_id: client }, again) {
  return {
    label: "Cancel request",
    title: `Cancel request ${name.slice(0, 8)}…?`,
    sentence: [
      "The prompt vanishes from the user's phones, and ",
      datum(client),
      " gets no tokens for this request.",
    ],
    verb: "Cancel the request",
    danger: true,
    act: async () => {
      await desk.session.write("POST", resource("transactions", name, "cancel"));
      announce("The request was cancelled.");
      again();
    },
  };
}
