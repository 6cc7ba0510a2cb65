// The sequence diagram: a list of messages, each a button, drawn over the lifelines.

import { drawing, element } from "../look/dom.js";
import { ACTORS, duration } from "../words.js";

const ARROW = 24;
const BACK = 45;
const HEIGHT = { once: 34, both: 56, note: 32 };

/**
 * @param {import("../model.js").Flow} flow
 * @param {number | null} chosen the message that is open
 * @param {(number: number) => void} open
 * @returns {HTMLElement}
 */
export function diagram(flow, chosen, open) {
  const actors = actorsOf(flow);
  return element(
    "div",
    { class: "diagram" },
    element(
      "div",
      { class: "lifelines", "aria-hidden": "true", "data-actors": actors.length },
      ...actors.map((actor) => element("span", { class: "actor" }, ACTORS[actor])),
    ),
    element(
      "ol",
      { "aria-label": "Messages in their order" },
      ...flow.steps.map((step) => element("li", {}, row(step, actors, chosen, open))),
    ),
    element(
      "p",
      { class: "muted hint" },
      flow.state === "waiting"
        ? "Waiting for the next message…"
        : "Choose a message to see it whole.",
    ),
  );
}

/**
 * @param {import("../model.js").Flow} flow
 * @returns {import("../model.js").Actor[]}
 */
function actorsOf(flow) {
  const used = flow.steps.some((step) => step.receiver === "resource");
  return used ? ["resource", "client", "service", "phone"] : ["client", "service", "phone"];
}

/**
 * @param {import("../model.js").Step} step
 * @param {import("../model.js").Actor[]} actors
 * @param {number | null} chosen
 * @param {(number: number) => void} open
 * @returns {HTMLElement}
 */
function row(step, actors, chosen, open) {
  const number = step.messages.at(-1) ?? 0;
  const took = step.took ? `, took ${duration(step.took)}` : "";
  const name =
    `${ACTORS[step.sender]} to ${ACTORS[step.receiver]}: ${title(step)}, ${step.detail}` +
    `${step.answer ? `, answer ${step.answer}` : ""}, at ${duration(step.at)}${took}`;
  return element(
    "button",
    {
      type: "button",
      class: "step",
      "data-key": `step-${step.messages[0]}`,
      "data-tone": step.tone,
      "aria-expanded": String(chosen !== null && step.messages.includes(chosen)),
      onclick: () => open(number),
    },
    element("span", { class: "visually-hidden" }, name),
    element("span", { class: "when", "aria-hidden": "true" }, duration(step.at)),
    picture(step, actors),
  );
}

/**
 * @param {import("../model.js").Step} step
 * @returns {string}
 */
function title(step) {
  return (step.count ?? 1) > 1 ? `${step.count} × ${step.label}` : step.label;
}

/**
 * @param {import("../model.js").Step} step
 * @param {import("../model.js").Actor[]} actors
 * @returns {SVGElement}
 */
function picture(step, actors) {
  const at = (/** @type {import("../model.js").Actor} */ actor) =>
    ((actors.indexOf(actor) + 0.5) / actors.length) * 100;
  const [from, to] = [at(step.sender), at(step.receiver)];
  const parts = step.sender === step.receiver ? note(step, from) : arrows(step, from, to);
  const height = from === to ? HEIGHT.note : step.answer ? HEIGHT.both : HEIGHT.once;
  return drawing(
    "svg",
    { width: "100%", height, "aria-hidden": "true" },
    ...actors.map((actor) =>
      drawing("line", {
        class: "lifeline",
        x1: `${at(actor)}%`,
        x2: `${at(actor)}%`,
        y1: -6,
        y2: height + 6,
      }),
    ),
    ...parts,
  );
}

/**
 * @param {import("../model.js").Step} step
 * @param {number} from
 * @param {number} to
 * @returns {SVGElement[]}
 */
function arrows(step, from, to) {
  const middle = `${(from + to) / 2}%`;
  const label = drawing(
    "text",
    { class: "label", x: middle, y: ARROW - 8 },
    title(step),
    drawing("tspan", { class: "path", dx: 8 }, step.detail),
  );
  const there = arrow(from, to, ARROW, "arrow");
  if (!step.answer) {
    return [...there, label];
  }
  const took = step.took ? ` · ${duration(step.took)}` : "";
  const answer = drawing(
    "text",
    { class: "answer", x: middle, y: BACK - 6 },
    `${step.answer}${took}`,
  );
  return [...there, label, ...arrow(to, from, BACK, "arrow back"), answer];
}

/**
 * @param {number} from
 * @param {number} to
 * @param {number} y
 * @param {string} kind
 * @returns {SVGElement[]}
 */
function arrow(from, to, y, kind) {
  const d = from < to ? "M-2 0-10-4.500v9z" : "M2 0l8-4.500v9z";
  return [
    drawing("line", { class: kind, x1: `${from}%`, x2: `${to}%`, y1: y, y2: y }),
    drawing("svg", { x: `${to}%`, y, overflow: "visible" }, drawing("path", { class: "tip", d })),
  ];
}

/**
 * @param {import("../model.js").Step} step
 * @param {number} x
 * @returns {SVGElement[]}
 */
function note(step, x) {
  return [
    drawing("circle", { class: "note", cx: `${x}%`, cy: 16, r: 6 }),
    drawing(
      "text",
      { class: "label at-note", x: `${x}%`, y: 20, dx: -14 },
      step.label,
      drawing("tspan", { class: "path", dx: 8 }, step.detail),
    ),
  ];
}
