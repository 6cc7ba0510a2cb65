// What a client is registered for.

import { element } from "../look/dom.js";

/**
 * @param {import("../model.js").Client} client
 * @returns {HTMLElement}
 */
export function clientCard(client) {
  const rows = [
    ["Delivery", client.mode],
    ["Authentication", `${client.authentication}, ${client.algorithm}`],
    ["Request", client.signs_requests ? "signed request object" : "plain form"],
    ["Tokens bound to", client.binding],
    ["Provider", client.issuer],
    client.endpoint ? ["Called at", client.endpoint] : null,
  ];
  return element(
    "dl",
    { class: "facts" },
    ...rows
      .filter((row) => row !== null)
      .flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
  );
}
