// Names, values, and what they say.

import { element } from "../look/dom.js";

/**
 * @typedef {{name: string, value: unknown, explanation: import("../model.js").Explanation}} Member
 */

/**
 * @param {import("../model.js").Explanation} explanation
 * @returns {string}
 */
export function clause(explanation) {
  return [explanation.specification, explanation.section].filter(Boolean).join(", ");
}

/**
 * Only what is known is explained.
 *
 * @param {Member[]} members
 * @returns {HTMLElement | false}
 */
export function fields(members) {
  const known = members.filter((member) => member.explanation.text);
  return (
    known.length > 0 &&
    element(
      "details",
      {},
      element("summary", {}, `What the ${known.length === 1 ? "field says" : "fields say"}`),
      memberList(known),
    )
  );
}

/**
 * @param {Member[]} members
 * @returns {HTMLElement}
 */
export function memberList(members) {
  return element(
    "dl",
    { class: "members" },
    ...members.flatMap((member) => [
      element("dt", {}, member.name),
      element(
        "dd",
        {},
        element("code", {}, shown(member)),
        element(
          "span",
          { class: "says" },
          member.explanation.text,
          clause(member.explanation) &&
            element("span", { class: "muted" }, ` ${clause(member.explanation)}`),
        ),
      ),
    ]),
  );
}

const INSTANTS = ["iat", "exp", "nbf", "auth_time", "available_until"];

/**
 * @param {Member} member
 * @returns {string}
 */
function shown({ name, value }) {
  if (INSTANTS.includes(name) && typeof value === "number") {
    return `${value} (${new Date(value * 1000).toISOString().replace(".000", "")})`;
  }
  if (typeof value === "string") {
    return value.length > 160 ? `${value.slice(0, 120)}… (${value.length} characters)` : value;
  }
  return JSON.stringify(value, null, 2);
}
