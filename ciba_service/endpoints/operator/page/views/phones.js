// Phones of all users.

import { resource } from "../api/paths.js";
import { element } from "../look/dom.js";
import { badge } from "../parts/badge.js";
import { datum } from "../parts/datum.js";
import { instant } from "../parts/instant.js";
import { Paged } from "../parts/paged.js";
import { nothing, panel } from "../parts/panel.js";
import { table } from "../parts/table.js";
import { place } from "../shell/route.js";
import { revokeChange } from "./phone.js";

/** @typedef {import("../api/documents.js").Phone} Phone */

/**
 * @param {import("../shell/desk.js").Desk} desk
 * @returns {import("../shell/desk.js").View}
 */
export function phonesView(desk) {
  const list = new Paged(resource("devices"));
  const { body } = desk.keep({
    load: () => list.load(),
    draw,
    seconds: 10,
  });

  /**
   * @param {import("../api/documents.js").Page<Phone>} page
   * @param {() => void} again
   */
  function draw({ items, next }, again) {
    const shown = items.length
      ? phoneTable(desk, items, again, true)
      : nothing(next === null ? "No phone is enrolled." : "None of these users has a phone.");
    return [shown, list.more(next, again)];
  }

  return { title: "Phones", body: [panel("Phones", [body])] };
}

/**
 * Phones in a table, with a way to end each.
 *
 * @param {import("../shell/desk.js").Desk} desk
 * @param {Phone[]} phones
 * @param {() => void} again
 * @param {boolean} [withUser]
 * @returns {HTMLElement}
 */
export function phoneTable(desk, phones, again, withUser = false) {
  /** @type {import("../parts/table.js").Column<Phone>} */
  const user = {
    title: "User",
    cell: (each) => element("a", { href: place("users", each.sub) }, datum(each.sub)),
  };
  return table(
    "Phones",
    [
      {
        title: "Phone",
        cell: (each) => element("a", { href: place("phones", each.device_id) }, datum(each.name)),
      },
      ...(withUser ? [user] : []),
      { title: "State", wide: true, cell: phoneBadge },
      { title: "Enrolled", wide: true, cell: (each) => instant(each.enrolled_at) },
      { title: "", end: true, cell: (each) => desk.button(revokeChange(desk, each, again)) },
    ],
    phones,
  );
}

/**
 * @param {Phone} phone
 * @returns {HTMLElement}
 */
export function phoneBadge({ waits_until: until }) {
  return until === undefined ? badge("enrolled", "good") : badge("waits for approval", "warn");
}
