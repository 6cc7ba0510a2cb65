// An open request on the overview: enough to know it by, and the way to all of it.

import { element } from "../../look/dom.js";
import { avatar } from "../../parts/avatar.js";
import { icon } from "../../parts/icons.js";
import { Ring } from "../../parts/ring.js";
import { foreign } from "../approval/contents.js";
import { ApprovalSheet } from "../approval/sheet.js";

/** @typedef {import("../../model.js").Request} Request */

/**
 * A card that opens the approval sheet.
 *
 * @param {Request} request
 * @param {import("../../parts/view.js").Surroundings} surroundings
 * @returns {import("../../parts/kept-list.js").Row<Request>}
 */
export function requestCard(request, surroundings) {
  const { words, stage, logos } = surroundings;
  const { display } = request;
  const ring = new Ring({ from: request.issuedAt, until: request.expiresAt });
  const status = element("span", { class: "card-status" });
  let shown = request;
  const card = element(
    "button",
    {
      type: "button",
      class: "card request",
      onclick: () => void stage.open(new ApprovalSheet(shown, surroundings)),
    },
    avatar(display, logos),
    element(
      "span",
      { class: "card-text", lang: request.locale },
      element("span", { class: "card-client" }, foreign(display.client)),
      element("span", { class: "card-title" }, foreign(display.title)),
      display.amount ? element("span", { class: "card-amount" }, foreign(display.amount)) : null,
      status,
    ),
    ring.element,
    icon("forward"),
  );
  return {
    element: element("li", {}, card),
    tick: (now) => ring.tick(now),
    update: (current) => {
      shown = current;
      const { sending, unsure } = words.home;
      status.textContent = { open: "", deciding: sending, unsure }[current.step];
    },
  };
}
