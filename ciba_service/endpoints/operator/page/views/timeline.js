// The ledger of a request as a timeline, each entry in words.

import { element } from "../look/dom.js";
import { distance, instant } from "../parts/instant.js";

/** @typedef {import("../api/documents.js").LedgerEvent} LedgerEvent */

/** @type {Record<string, [string, string]>} */
const TITLES = {
  requested: ["Requested", "brand"],
  announced: ["Sent to the user's phones", "brand"],
  received: ["A phone has it", "brand"],
  shown: ["Shown to the user", "brand"],
  approved: ["Approved", "good"],
  denied: ["Denied", "bad"],
  failed: ["Failed", "bad"],
  cancelled: ["Cancelled", "plain"],
  expired: ["Expired", "plain"],
  redeemed: ["The client has its tokens", "good"],
  callback_due: ["Callback still to be made", "warn"],
  callback_delivered: ["Callback delivered", "good"],
  callback_abandoned: ["Callback given up", "bad"],
};

/** @type {Record<string, string>} */
const REASONS = {
  declined: "The user declined.",
  not_me: "The user did not ask for it, and said so.",
  factors_locked: "There were too many failed attempts: the user's factors are locked.",
  client_blocked: "The user wants nothing of this client any more.",
  gate_refused: "User, phone or client may not do this any more.",
  refused: "The client's endpoint refused it.",
  too_late: "The request could not be redeemed any more.",
  client_gone: "There is no such client any more.",
  not_askable: "The client's address is one that this service never asks.",
  record_gone: "Nobody was there to make it in time.",
  nothing_to_tell: "There was nothing left to tell.",
  redelivered: "An operator had it made once more.",
};

/**
 * What an entry of this kind says, in short.
 *
 * @param {string} kind
 * @returns {string}
 */
export function ledgerTitle(kind) {
  return TITLES[kind]?.[0] ?? "Something that this page does not know";
}

/**
 * A reason in a sentence; one that is not known as it stands.
 *
 * @param {string} reason
 * @returns {string}
 */
export function reasonSentence(reason) {
  return REASONS[reason] ?? `Reason: ${reason}.`;
}

/**
 * @param {LedgerEvent[]} events
 * @returns {HTMLElement}
 */
export function timeline(events) {
  return element(
    "ol",
    { class: "timeline" },
    ...events.map((event, index) => entry(event, events[index - 1])),
  );
}

/**
 * @param {LedgerEvent} event
 * @param {LedgerEvent | undefined} before
 */
function entry(event, before) {
  const tone = TITLES[event.event]?.[1] ?? "plain";
  const later = before === undefined ? "" : elapsed(Date.parse(event.at) - Date.parse(before.at));
  const again = event.again_at
    ? element("p", { class: "muted" }, "Next attempt ", distance(event.again_at), ".")
    : null;
  return element(
    "li",
    { class: tone },
    element(
      "p",
      { class: "entry-head" },
      element("strong", {}, ledgerTitle(event.event)),
      instant(event.at),
      element("span", { class: "muted" }, later),
    ),
    ...details(event).map((detail) => element("p", { class: "muted" }, detail)),
    again,
  );
}

/**
 * @param {LedgerEvent} event
 * @returns {string[]}
 */
function details({ reason, attempt, status, failure }) {
  const said = [];
  if (reason) {
    said.push(reasonSentence(reason));
  }
  if (attempt) {
    const answer = status ? `answered with status ${status}` : `failed (${failure ?? "no answer"})`;
    said.push(`Attempt ${attempt} was ${status ? answer : `made and ${answer}`}.`);
  }
  return said;
}

/**
 * @param {number} milliseconds
 * @returns {string}
 */
function elapsed(milliseconds) {
  return milliseconds < 1000
    ? `+${Math.max(0, milliseconds)} ms`
    : `+${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 1 : 0)} s`;
}
