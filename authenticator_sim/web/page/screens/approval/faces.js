// The last faces of the approval sheet: on its way, and over.

import { element } from "../../look/dom.js";
import { icon } from "../../parts/icons.js";
import { summary } from "./contents.js";

/** @typedef {import("../../parts/view.js").Surroundings} Surroundings */
/** @typedef {import("../../model.js").Request} Request */
/** @typedef {{title: string, body: HTMLElement[]}} Face */

/**
 * The answer is on its way; or it is, and nobody knows yet whether it has arrived.
 *
 * @param {Request} request
 * @param {"approve" | "deny"} verdict
 * @param {Surroundings} surroundings
 * @returns {Face}
 */
export function sendingFace(request, verdict, surroundings) {
  const { outcome } = surroundings.words;
  const unsure = request.step === "unsure";
  const sending = verdict === "deny" ? outcome.decidingDeny : outcome.deciding;
  return {
    title: unsure ? outcome.unsure : sending,
    body: [
      element(
        "div",
        { class: unsure ? "sign plain" : "sign busy" },
        icon(unsure ? "question" : "loop"),
      ),
      element("p", { class: "ending-text" }, unsure ? outcome.unsureText : outcome.decidingText),
      summary(request, surroundings),
    ],
  };
}

/**
 * What became of it.
 *
 * @param {Request} request
 * @param {import("./endings.js").Ending} ending
 * @param {Surroundings} surroundings
 * @returns {Face}
 */
export function endingFace(request, { tone, icon: name, title, text, action }, surroundings) {
  const parts = [
    element("div", { class: `sign ${tone}` }, icon(name)),
    element("p", { class: "ending-text" }, text),
    action ? element("p", { class: "ending-text strong" }, action) : null,
    summary(request, surroundings),
  ];
  return { title, body: parts.filter((part) => part !== null) };
}
