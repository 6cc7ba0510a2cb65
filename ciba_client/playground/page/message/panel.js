// One message, whole: what it is, raw HTTP, tokens, and how to repeat it.

import { offerCopy } from "../copying.js";
import { element, fill } from "../look/dom.js";
import { Refused, read } from "../session.js";
import { duration } from "../words.js";
import { clause, fields } from "./fields.js";
import { rawHttp } from "./http.js";
import { token } from "./token.js";

/** @type {number} */
let asked = 0;

/**
 * @param {HTMLElement} panel
 * @param {import("../model.js").Flow} flow
 * @param {number} number
 * @param {(number: number) => void} open
 * @param {() => void} closed
 */
export async function showMessage(panel, flow, number, open, closed) {
  asked += 1;
  const mine = asked;
  const opener = document.activeElement;
  const close = () => {
    closeMessage(panel);
    closed();
    const key = opener?.getAttribute("data-key");
    const again = key && document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (again instanceof HTMLElement) {
      again.focus();
    }
  };
  panel.onkeydown = (event) => {
    if (event.key === "Escape") {
      close();
    }
  };
  try {
    const message = await read(`/api/flows/${flow.id}/messages/${number}`);
    if (mine === asked) {
      draw(panel, flow, message, close, open);
    }
  } catch (error) {
    const text = error instanceof Refused ? error.message : "The playground cannot be reached.";
    fill(panel, heading("Message", close), element("p", { class: "problem" }, text));
  }
  if (mine === asked) {
    panel.hidden = false;
    panel.querySelector("h2")?.focus();
    panel.scrollIntoView({ block: "nearest" });
    document.querySelector('.step[aria-expanded="true"]')?.scrollIntoView({ block: "nearest" });
  }
}

/** @param {HTMLElement} panel */
export function closeMessage(panel) {
  asked += 1;
  panel.hidden = true;
  fill(panel);
}

/**
 * @param {string} title
 * @param {() => void} close
 * @returns {HTMLElement}
 */
function heading(title, close) {
  return element(
    "header",
    { class: "message-head" },
    element("h2", { tabIndex: -1 }, title),
    element(
      "button",
      { type: "button", class: "close", "aria-label": "Close message", onclick: close },
      "✕",
    ),
  );
}

/**
 * @param {HTMLElement} panel
 * @param {import("../model.js").Flow} flow
 * @param {any} message
 * @param {() => void} close
 * @param {(number: number) => void} open
 */
function draw(panel, flow, message, close, open) {
  const step = flow.steps.find((each) => each.messages.includes(message.number));
  const siblings = step !== undefined && step.messages.length > 1 ? step.messages : [];
  const title = message.title.replaceAll("_", " ");
  fill(
    panel,
    heading(title.charAt(0).toUpperCase() + title.slice(1), close),
    siblings.length > 0 && picker(siblings, message.number, open),
    element("p", {}, message.summary),
    element(
      "p",
      { class: "muted" },
      message.clause,
      ` · ${duration(message.at)} after the start`,
      message.took !== null && `, took ${duration(message.took)}`,
    ),
    message.error &&
      element(
        "div",
        { class: "problem-box" },
        element("p", {}, element("code", {}, message.error.value)),
        element("p", {}, message.error.explanation.text),
        element("p", { class: "muted" }, clause(message.error.explanation)),
      ),
    message.curl &&
      element(
        "div",
        { class: "row" },
        element(
          "button",
          {
            type: "button",
            onclick: () => offerCopy("As a command of curl", message.note, message.curl),
          },
          "Copy as curl",
        ),
      ),
    ...message.tokens.map((/** @type {any} */ each) => token(each)),
    message.request &&
      section("Request", rawHttp(message.request, "request"), fields(message.request_fields)),
    message.response &&
      section("Response", rawHttp(message.response, "response"), fields(message.response_fields)),
  );
}

/**
 * @param {string} title
 * @param {...(HTMLElement | false)} children
 * @returns {HTMLElement}
 */
function section(title, ...children) {
  return element("section", { class: "part" }, element("h3", {}, title), ...children);
}

/**
 * Which of the messages that were folded into one.
 *
 * @param {number[]} numbers
 * @param {number} chosen
 * @param {(number: number) => void} open
 * @returns {HTMLElement}
 */
function picker(numbers, chosen, open) {
  const select = element(
    "select",
    { id: "folded", onchange: () => open(Number(select.value)) },
    ...numbers.map((number, index) =>
      element(
        "option",
        { value: number, selected: number === chosen },
        `${index + 1} of ${numbers.length}`,
      ),
    ),
  );
  return element(
    "div",
    { class: "field" },
    element("label", { for: "folded" }, "Which one"),
    select,
  );
}
