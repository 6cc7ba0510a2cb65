// A JSON Web Token, decoded and explained.

import { element } from "../look/dom.js";
import { SIGNATURES } from "../words.js";
import { memberList } from "./fields.js";

/**
 * @typedef {{name: string, found_in: string, jwt: string, header: import("./fields.js").Member[],
 *   claims: import("./fields.js").Member[], signature: string, signed_by: string}} Token
 */

/** @type {Record<string, string>} */
const TONES = { verified: "good", own_word: "good", wrong: "bad", unknown_key: "waiting" };
const MARKS = /** @type {Record<string, string>} */ ({ good: "✓", bad: "✗", waiting: "?" });

/**
 * @param {Token} token
 * @returns {HTMLElement}
 */
export function token(token) {
  const tone = TONES[token.signature] ?? "waiting";
  const [header, payload, signature] = token.jwt.split(".");
  return element(
    "section",
    { class: "part token" },
    element("h3", {}, token.name, element("code", { class: "where" }, token.found_in)),
    element(
      "p",
      { class: "signature", "data-tone": tone },
      element("span", { "aria-hidden": "true" }, `${MARKS[tone]} `),
      `${SIGNATURES[token.signature]}: ${token.signed_by}.`,
    ),
    memberList(token.claims),
    element("details", {}, element("summary", {}, "Header"), memberList(token.header)),
    element(
      "details",
      {},
      element("summary", {}, "As it was sent"),
      element(
        "pre",
        { class: "jwt", tabIndex: 0, "aria-label": `${token.name} as it was sent` },
        element("span", { class: "jwt-header" }, header ?? ""),
        ".",
        element("span", { class: "jwt-payload" }, payload ?? ""),
        ".",
        element("span", { class: "jwt-signature" }, signature ?? ""),
      ),
    ),
  );
}
