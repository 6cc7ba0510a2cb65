// One user: the lock, phones, blocks, what is open, and who has access that lasts.

import { resource } from "../api/paths.js";
import { read } from "../api/requests.js";
import { element } from "../look/dom.js";
import { datum } from "../parts/datum.js";
import { instant } from "../parts/instant.js";
import { nothing, panel } from "../parts/panel.js";
import { facts, table } from "../parts/table.js";
import { place } from "../shell/route.js";
import { phoneTable } from "./phones.js";
import { cancelChange } from "./transaction.js";
import {
  activateChange,
  endAccessChange,
  furtherChange,
  resetChange,
  unblockChange,
  unlockChange,
} from "./user_changes.js";
import { userBadge } from "./users.js";

/**
 * @param {import("../shell/desk.js").Desk} desk
 * @param {string} sub
 * @returns {import("../shell/desk.js").View}
 */
export function userView(desk, sub) {
  const path = resource("users", sub);
  const { body } = desk.keep({
    load: () => read(path),
    draw,
    seconds: 5,
  });

  /**
   * @param {import("../api/documents.js").User} user
   * @param {() => void} again
   */
  function draw(user, again) {
    const hasPhone = user.phones.some((phone) => phone.waits_until === undefined);
    const codes = hasPhone
      ? furtherChange(desk, user.sub, again)
      : activateChange(desk, user.sub, again);
    return [
      panel("Account", [
        facts([
          ["State", userBadge(user)],
          ["Failed attempts", user.failed_attempts],
        ]),
        element(
          "div",
          { class: "actions" },
          user.failed_attempts > 0 ? desk.button(unlockChange(desk, user.sub, again)) : null,
          desk.button(codes),
          desk.button(resetChange(desk, user.sub, again)),
        ),
      ]),
      panel("Phones", [
        user.phones.length
          ? phoneTable(desk, user.phones, again)
          : nothing("This user has no phone."),
      ]),
      panel("Open requests", [prompts(user, again)]),
      panel("Clients that must not ask", [blocks(user, again)]),
      panel("Access that lasts", [accesses(user, again)]),
    ];
  }

  /**
   * @param {import("../api/documents.js").User} user
   * @param {() => void} again
   */
  function prompts({ open_prompts: open }, again) {
    if (open.length === 0) {
      return nothing("This user is not being asked.");
    }
    return table(
      "Requests that the user has not answered",
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
        {
          title: "",
          end: true,
          wide: true,
          cell: (each) => desk.button(cancelChange(desk, each, again)),
        },
      ],
      open,
    );
  }

  /**
   * @param {import("../api/documents.js").User} user
   * @param {() => void} again
   */
  function blocks({ blocked_clients: blocked }, again) {
    if (blocked.length === 0) {
      return nothing("Every client may ask this user.");
    }
    return table(
      "Blocked clients",
      [
        { title: "Client", cell: (each) => datum(each.client_id) },
        { title: "Until", cell: (each) => (each.until ? instant(each.until) : "it is lifted") },
        {
          title: "",
          end: true,
          cell: (each) => desk.button(unblockChange(desk, sub, each.client_id, again)),
        },
      ],
      blocked,
    );
  }

  /**
   * @param {import("../api/documents.js").User} user
   * @param {() => void} again
   */
  function accesses({ lasting_accesses: lasting }, again) {
    if (lasting.length === 0) {
      return nothing("No client has access that lasts.");
    }
    return table(
      "Accesses that last",
      [
        { title: "Client", cell: (each) => datum(each.client_name) },
        { title: "Shares", wide: true, cell: (each) => datum(each.shares.join(", ")) },
        { title: "Since", wide: true, cell: (each) => instant(each.since) },
        { title: "Until", cell: (each) => instant(each.until) },
        {
          title: "",
          end: true,
          cell: (each) => desk.button(endAccessChange(desk, sub, each, again)),
        },
      ],
      lasting,
    );
  }

  return { title: sub, parent: ["Users", place("users")], body: [body] };
}
