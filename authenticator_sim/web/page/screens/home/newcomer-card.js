// A further phone that waits, on the overview.

import { element } from "../../look/dom.js";
import { icon } from "../../parts/icons.js";
import { Ring } from "../../parts/ring.js";
import { foreign } from "../approval/contents.js";
import { NewcomerSheet } from "./newcomer-sheet.js";

/** @typedef {import("../../model.js").Newcomer} Newcomer */
/** @typedef {import("../../parts/view.js").Surroundings} Surroundings */

/**
 * A card that opens the sheet of a newcomer.
 *
 * @param {Newcomer} newcomer
 * @param {Surroundings} surroundings
 * @returns {import("../../parts/kept-list.js").Row<Newcomer>}
 */
export function newcomerCard(newcomer, surroundings) {
  const { words, stage } = surroundings;
  const ring = new Ring({ from: newcomer.since, until: newcomer.until });
  return {
    tick: (now) => ring.tick(now),
    element: element(
      "li",
      {},
      element(
        "button",
        {
          type: "button",
          class: "card newcomer",
          onclick: () => void stage.open(new NewcomerSheet(newcomer, surroundings)),
        },
        element("span", { class: "avatar device", "aria-hidden": "true" }, icon("phone")),
        element(
          "span",
          { class: "card-text" },
          element("span", { class: "card-client" }, foreign(words.newcomer.card(newcomer.name))),
          element("span", { class: "card-title" }, words.newcomer.cardText),
        ),
        ring.element,
        icon("forward"),
      ),
    ),
  };
}
