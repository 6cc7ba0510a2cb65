// The first face of the approval sheet: all that is asked, and the three answers.

import { element } from "../../look/dom.js";
import { button } from "../../parts/buttons.js";
import { digitsField, sixDigits } from "../../parts/field.js";
import { icon } from "../../parts/icons.js";
import { late } from "../../parts/late.js";
import { asker, bindingMessage, details, payment, shares } from "./contents.js";
import { factorWords } from "./factors.js";

/**
 * @typedef {Object} Answers
 * @property {(verificationCode: string | undefined) => void} approve
 * @property {() => void} deny
 * @property {() => void} notMe
 */

/**
 * Show everything that is signed for display, uncut.
 *
 * @param {import("../../model.js").Request} request
 * @param {Answers} answers
 * @param {import("../../parts/view.js").Surroundings} surroundings
 * @returns {{body: HTMLElement[], foot: HTMLElement[]}}
 */
export function review(request, answers, surroundings) {
  const { words, phone } = surroundings;
  const code = request.factors.includes("verification_code")
    ? digitsField({ label: words.request.code, hint: words.request.codeHint })
    : null;
  const press = () => {
    const digits = code ? sixDigits(code) : undefined;
    if (digits === null) {
      code?.complain(words.request.codeMissing);
    } else {
      answers.approve(digits);
    }
  };
  const body = [
    asker(request, surroundings),
    payment(request, words),
    bindingMessage(request, words),
    code?.element,
    ...details(request.display),
    shares(request.display.shares, words.request.shares),
    element(
      "p",
      { class: "confirm-with hint" },
      icon("lock"),
      element(
        "span",
        {},
        `${words.request.confirmWith}: ${factorWords(request, phone.state.hasPasskey, words)}.`,
      ),
    ),
    button(words.request.notMe, answers.notMe, { kind: "plain", icon: "warning" }),
  ];
  return {
    body: body.filter((part) => part instanceof HTMLElement),
    foot: [
      late(button(words.request.deny, answers.deny, { kind: "quiet" })),
      late(button(words.request.approve, press, { kind: "primary" })),
    ],
  };
}
