// The final text of a request, as it was signed: each member apart, under a label of its own
// (PSD2 RTS art. 5(1)(a), CIBA 7.1).

import { element } from "../../look/dom.js";
import { avatar } from "../../parts/avatar.js";
import { icon } from "../../parts/icons.js";

/** @typedef {import("../../model.js").Request} Request */
/** @typedef {import("../../words/en.js").Words} Words */

const LONG = 14;

/**
 * Who asks.
 *
 * @param {Request} request
 * @param {{words: Words, logos: import("../../parts/logos.js").Logos}} surroundings
 * @returns {HTMLElement}
 */
export function asker(request, { words, logos }) {
  return element(
    "div",
    { class: "asker" },
    avatar(request.display, logos),
    element(
      "div",
      {},
      element("p", { class: "label" }, words.request.askedBy),
      element("p", { class: "asker-name" }, foreign(request.display.client)),
    ),
  );
}

/**
 * Amount and payee, larger than all else; nothing where no payment is asked for.
 *
 * @param {Request} request
 * @param {Words} words
 * @returns {HTMLElement | null}
 */
export function payment({ display }, words) {
  const amount = display.amount;
  if (!amount) {
    return null;
  }
  return element(
    "dl",
    { class: "payment" },
    pair(words.request.amount, amount, amount.length > LONG ? "amount long" : "amount"),
    pair(words.request.payee, display.payee, "payee"),
    pair(words.request.account, display.payee_account, "account"),
    pair(words.request.reference, display.remittance_information, "reference"),
  );
}

/**
 * The client's message, marked as what another device shows too.
 *
 * @param {Request} request
 * @param {Words} words
 * @returns {HTMLElement | null}
 */
export function bindingMessage({ display }, words) {
  return display.binding_message
    ? element(
        "section",
        { class: "message" },
        element("p", { class: "label" }, words.request.message),
        element("p", { class: "message-text" }, foreign(display.binding_message)),
        element("p", { class: "hint" }, words.request.messageHint),
      )
    : null;
}

/**
 * Every further detail, line by line.
 *
 * @param {Pick<import("../../model.js").Display, "details">} display
 * @returns {HTMLElement[]}
 */
export function details(display) {
  return display.details.map((detail) =>
    element(
      "section",
      { class: "detail" },
      element("h3", {}, foreign(detail.title)),
      element(
        "dl",
        {},
        ...detail.lines.map((line) =>
          element(
            "div",
            {},
            element("dt", {}, foreign(line.label)),
            ...line.texts.map((text) => element("dd", {}, foreign(text))),
          ),
        ),
      ),
    ),
  );
}

/**
 * What the client gets.
 *
 * @param {readonly string[]} shared
 * @param {string} title
 * @returns {HTMLElement | null}
 */
export function shares(shared, title) {
  return shared.length > 0
    ? element(
        "section",
        { class: "shares" },
        element("h3", {}, title),
        element(
          "ul",
          {},
          ...shared.map((text) =>
            element("li", {}, icon("person"), element("span", {}, foreign(text))),
          ),
        ),
      )
    : null;
}

/**
 * What is approved, in one or two lines: beside the PIN, and when all is done.
 *
 * @param {Request} request
 * @param {{words: Words, logos: import("../../parts/logos.js").Logos}} surroundings
 * @returns {HTMLElement}
 */
export function summary(request, { words, logos }) {
  const { amount, payee, client, title } = request.display;
  return element(
    "div",
    { class: "summary" },
    avatar(request.display, logos),
    element(
      "div",
      {},
      element("p", { class: "summary-main" }, foreign(amount ?? title)),
      element(
        "p",
        { class: "hint" },
        ...(payee ? [`${words.home.to} `, foreign(payee), " · "] : []),
        foreign(client),
      ),
    ),
  );
}

/**
 * Text of others, to the letter, which cannot turn the text around it.
 *
 * @param {string} text
 * @returns {HTMLElement}
 */
export function foreign(text) {
  return element("bdi", { class: "foreign" }, text);
}

/**
 * @param {string} label
 * @param {string | null | undefined} value
 * @param {string} name
 */
function pair(label, value, name) {
  return value
    ? element(
        "div",
        { class: name },
        element("dt", { class: "label" }, label),
        element("dd", {}, foreign(value)),
      )
    : null;
}
