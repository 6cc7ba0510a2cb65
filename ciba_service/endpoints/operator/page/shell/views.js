// Which view stands at which address.

import { Refusal } from "../api/refusal.js";
import { clientView } from "../views/client.js";
import { clientsView } from "../views/clients.js";
import { deliveriesView } from "../views/deliveries.js";
import { deliveryView } from "../views/delivery.js";
import { eventsView } from "../views/events.js";
import { evidenceView } from "../views/evidence.js";
import { overviewView } from "../views/overview.js";
import { phoneView } from "../views/phone.js";
import { phonesView } from "../views/phones.js";
import { transactionView } from "../views/transaction.js";
import { transactionsView } from "../views/transactions.js";
import { userView } from "../views/user.js";
import { usersView } from "../views/users.js";

/**
 * @typedef {import("./desk.js").Desk} Desk
 * @typedef {import("./desk.js").View} View
 * @typedef {{ view: string, name: string,
 *   list: (desk: Desk, query: URLSearchParams) => View,
 *   one?: (desk: Desk, name: string) => View }} Place
 */

/** @type {Place[]} */
export const VIEWS = [
  { view: "overview", name: "Overview", list: overviewView },
  { view: "transactions", name: "Requests", list: transactionsView, one: transactionView },
  { view: "users", name: "Users", list: usersView, one: userView },
  { view: "phones", name: "Phones", list: phonesView, one: phoneView },
  { view: "deliveries", name: "Callbacks", list: deliveriesView, one: deliveryView },
  { view: "clients", name: "Clients", list: clientsView, one: clientView },
  { view: "events", name: "Events", list: eventsView },
  { view: "evidence", name: "Evidence", list: evidenceView },
];

/**
 * Open what stands there; a refusal when there is nothing.
 *
 * @param {import("./route.js").Route} route
 * @param {Desk} desk
 * @returns {View}
 */
export function viewOf({ view, names, query }, desk) {
  const found = VIEWS.find((each) => each.view === view);
  const [name, ...others] = names;
  if (found === undefined || others.length > 0) {
    throw new Refusal("not_found");
  }
  if (name === undefined) {
    return found.list(desk, query);
  }
  if (found.one === undefined) {
    throw new Refusal("not_found");
  }
  return found.one(desk, name);
}
