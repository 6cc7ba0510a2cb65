// The chosen flow: how it stands, what can be done with it, and its diagram.

import { keepingFocus } from "../focus.js";
import { element, fill } from "../look/dom.js";
import { STATES, TONES, timeLeft } from "../words.js";
import { actions } from "./actions.js";
import { diagram } from "./diagram.js";
import { emptyStage } from "./empty.js";

/** @type {number | undefined} */
let ticking;

/**
 * @param {HTMLElement} container
 * @param {import("../model.js").Model} model
 * @param {(number: number) => void} open
 */
export function drawFlow(container, model, open) {
  const flow = model.flow;
  const told = container.querySelector(".told")?.textContent ?? "";
  const toldOf = container.dataset.flow;
  keepingFocus(container, () => {
    if (flow === undefined) {
      fill(container, emptyStage());
      return;
    }
    container.dataset.flow = flow.id;
    fill(
      container,
      head(flow, model),
      flow.verification_code !== null && flow.state === "waiting" && code(flow.verification_code),
      flow.problem && problem(flow.problem),
      actions(flow, toldOf === flow.id ? told : ""),
      diagram(flow, model.message, open),
      notes(flow),
    );
  });
  tick(container, model);
}

/**
 * @param {import("../model.js").Flow} flow
 * @param {import("../model.js").Model} model
 * @returns {HTMLElement}
 */
function head(flow, model) {
  const left = flow.state === "waiting" && flow.expires_at !== null;
  return element(
    "header",
    { class: "flow-head" },
    element("h2", {}, flow.title),
    element("span", { class: "chip", "data-tone": TONES[flow.state] }, STATES[flow.state]),
    left && element("span", { class: "chip left" }, remaining(flow, model)),
    element(
      "p",
      { class: "muted" },
      `${flow.client} asks ${flow.hint || "the user"} in ${flow.mode} mode`,
      flow.interval !== null && `, every ${flow.interval} s at most`,
      flow.transaction_id !== null &&
        element("span", {}, " · transaction ", element("code", {}, flow.transaction_id)),
      flow.subject !== null &&
        element("span", {}, " · subject ", element("code", {}, flow.subject)),
    ),
  );
}

/**
 * @param {import("../model.js").Flow} flow
 * @param {import("../model.js").Model} model
 * @returns {string}
 */
function remaining(flow, model) {
  return `${timeLeft((flow.expires_at ?? 0) - model.now())} left`;
}

/**
 * @param {HTMLElement} container
 * @param {import("../model.js").Model} model
 */
function tick(container, model) {
  clearInterval(ticking);
  const shown = container.querySelector(".left");
  if (shown !== null) {
    ticking = setInterval(() => model.flow && fill(shown, remaining(model.flow, model)), 1000);
  }
}

/**
 * @param {string} digits
 * @returns {HTMLElement}
 */
function code(digits) {
  return element(
    "p",
    { class: "code" },
    "Type this code on the phone: ",
    element("strong", {}, digits),
  );
}

/**
 * @param {import("../model.js").Problem} told
 * @returns {HTMLElement}
 */
function problem({ code: name, text, explanation }) {
  const clause = [explanation.specification, explanation.section].filter(Boolean).join(", ");
  return element(
    "div",
    { class: "problem-box", role: "group", "aria-label": "Why there are no tokens" },
    element("p", {}, name && element("code", {}, name), name ? " " : "", text),
    explanation.text && element("p", {}, explanation.text),
    clause && element("p", { class: "muted" }, clause),
  );
}

/**
 * @param {import("../model.js").Flow} flow
 * @returns {HTMLElement | false}
 */
function notes(flow) {
  const lines = [
    flow.left_out > 0 && `${flow.left_out} messages in the middle were left out.`,
    !flow.ledger && "This provider does not tell what happens on the phone: it has no ledger.",
  ].filter((line) => line !== false);
  return lines.length > 0 && element("p", { class: "muted" }, lines.join(" "));
}
