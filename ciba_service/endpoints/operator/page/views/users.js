// Users: searched for by name, or those whose factors are locked.

import { resource } from "../api/paths.js";
import { element } from "../look/dom.js";
import { badge } from "../parts/badge.js";
import { datum } from "../parts/datum.js";
import { Paged } from "../parts/paged.js";
import { nothing, panel } from "../parts/panel.js";
import { table } from "../parts/table.js";
import { tabs } from "../parts/tabs.js";
import { place } from "../shell/route.js";

/**
 * @param {import("../shell/desk.js").Desk} desk
 * @param {URLSearchParams} query
 * @returns {import("../shell/desk.js").View}
 */
export function usersView(desk, query) {
  const search = query.get("search") ?? "";
  const locked = query.get("locked") === "true";
  const list = new Paged(resource("users"), { search, locked: locked ? "true" : null });
  const { body } = desk.keep({
    load: () => list.load(),
    draw,
    seconds: 10,
  });

  /**
   * @param {import("../api/documents.js").Page<import("../api/documents.js").UserSummary>} page
   * @param {() => void} again
   */
  function draw({ items, next }, again) {
    if (items.length === 0 && next === null) {
      return [nothing(emptiness(search, locked))];
    }
    const rows = table(
      "Users",
      [
        {
          title: "User",
          cell: (each) => element("a", { href: place("users", each.sub) }, datum(each.sub)),
        },
        { title: "State", cell: (each) => userBadge(each) },
        { title: "Phones", end: true, cell: (each) => each.phones },
        { title: "Failed attempts", end: true, wide: true, cell: (each) => each.failed_attempts },
      ],
      items,
    );
    return [rows, list.more(next, again)];
  }

  const states = tabs("Which users", [
    ["All", withSearch(search, false), !locked],
    ["Locked", withSearch(search, true), locked],
  ]);
  return { title: "Users", body: [find(search, locked), panel("Users", [body], states)] };
}

/**
 * Where a user stands, in a word.
 *
 * @param {{ enabled: boolean, locked: boolean }} user
 * @returns {HTMLElement}
 */
export function userBadge({ enabled, locked }) {
  if (!enabled) {
    return badge("disabled", "plain");
  }
  return locked ? badge("locked", "bad") : badge("active", "good");
}

/**
 * @param {string} search
 * @param {boolean} locked
 */
function emptiness(search, locked) {
  if (search) {
    return locked ? "No locked user has this in the name." : "No user has this in the name.";
  }
  return locked ? "Nobody is locked." : "There are no users in the configuration.";
}

/**
 * @param {string} search
 * @param {boolean} locked
 */
function withSearch(search, locked) {
  const query = new URLSearchParams();
  if (search) {
    query.set("search", search);
  }
  if (locked) {
    query.set("locked", "true");
  }
  return query.size ? `${place("users")}?${query}` : place("users");
}

/**
 * @param {string} search
 * @param {boolean} locked
 */
function find(search, locked) {
  const field = element("input", {
    id: "user-search",
    class: "field",
    type: "search",
    value: search,
    maxLength: 64,
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: false,
    "data-focus": "user-search",
  });
  /** @param {Event} event */
  function submit(event) {
    event.preventDefault();
    location.hash = withSearch(field.value.trim(), locked);
  }
  return element(
    "form",
    { class: "search", role: "search", onsubmit: submit },
    element("label", { for: "user-search" }, "Part of the user's name (sub)"),
    element(
      "span",
      { class: "search-row" },
      field,
      element("button", { class: "button", "data-focus": "find" }, "Search"),
    ),
  );
}
