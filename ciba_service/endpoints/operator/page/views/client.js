// One client: what it may do, and for one that registered, whether it may at all.

import { resource } from "../api/paths.js";
import { read } from "../api/requests.js";
import { element } from "../look/dom.js";
import { announce } from "../parts/announce.js";
import { datum, identifier } from "../parts/datum.js";
import { instant } from "../parts/instant.js";
import { panel } from "../parts/panel.js";
import { facts } from "../parts/table.js";
import { place } from "../shell/route.js";
import { clientBadge, originWords } from "./clients.js";

/**
 * @typedef {import("../api/documents.js").Client} Client
 * @typedef {import("../shell/desk.js").Desk} Desk
 * @typedef {import("../shell/desk.js").Change} Change
 */

/**
 * @param {Desk} desk
 * @param {string} name
 * @returns {import("../shell/desk.js").View}
 */
export function clientView(desk, name) {
  const path = resource("clients", name);
  const { body } = desk.keep({
    load: () => read(path),
    draw,
    seconds: 10,
  });

  /**
   * @param {Client} client
   * @param {() => void} again
   */
  function draw(client, again) {
    const isRegistered = client.origin === "registered";
    const actions = isRegistered
      ? element(
          "div",
          { class: "actions" },
          desk.button(suspendChange(desk, client, again)),
          desk.button(removeChange(desk, client)),
        )
      : element("p", { class: "muted" }, "It stands in the configuration, and is changed there.");
    return [panel("Client", [whatItMayDo(client), actions])];
  }

  return { title: "Client", parent: ["Clients", place("clients")], body: [body] };
}

/** @param {Client} client */
function whatItMayDo(client) {
  return facts([
    ["Name", datum(client.name)],
    ["Client id", identifier(client.client_id)],
    ["State", clientBadge(client)],
    ["From", originWords(client)],
    ["Since", client.since ? instant(client.since) : null],
    ["Mode", client.delivery_mode],
    ["Profile", client.profile],
    ["Scope", datum(client.scope)],
    [
      "May ask for",
      client.authorization_details_types.length
        ? datum(client.authorization_details_types.join(", "))
        : null,
    ],
    [
      "Called back at",
      client.notification_endpoint ? identifier(client.notification_endpoint) : null,
    ],
    [
      "Hosts it may be called at",
      client.notification_hosts.length ? datum(client.notification_hosts.join(", ")) : null,
    ],
    ["Keys from", client.jwks_uri ? identifier(client.jwks_uri) : null],
    ["Sector", client.sector ? identifier(client.sector) : null],
    ["Certificate", client.shows_certificate ? "shown" : "none"],
    ["Refresh tokens", client.may_refresh ? "yes" : "no"],
  ]);
}

/**
 * @param {Desk} desk
 * @param {Client} client
 * @param {() => void} again
 * @returns {Change}
 */
function suspendChange(desk, client, again) {
  const verb = client.enabled ? "Disable" : "Enable";
  const sentence = client.enabled
    ? " is unknown everywhere until it is enabled again, and what it was granted cannot be used."
    : " may do again what it could before, and what it was granted counts again.";
  return {
    label: verb,
    title: `${verb} this client?`,
    sentence: [datum(client.name), sentence],
    verb: `${verb} the client`,
    danger: client.enabled,
    act: async () => {
      await desk.session.write("POST", resource("clients", client.client_id, verb.toLowerCase()));
      announce(`The client was ${verb.toLowerCase()}d.`);
      again();
    },
  };
}

/**
 * @param {Desk} desk
 * @param {Client} client
 * @returns {Change}
 */
function removeChange(desk, client) {
  return {
    label: "Remove",
    title: "Remove this client?",
    sentence: [datum(client.name), " is forgotten: its requests, grants and tokens are over."],
    verb: "Remove the client",
    danger: true,
    typed: client.client_id,
    act: async () => {
      await desk.session.write("DELETE", resource("clients", client.client_id));
      announce("The client was removed.");
      location.hash = place("clients");
    },
  };
}
