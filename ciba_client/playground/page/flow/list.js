// All flows, the newest first.

import { keepingFocus } from "../focus.js";
import { element, fill } from "../look/dom.js";
import { STATES, TONES } from "../words.js";

/**
 * @param {HTMLElement} container
 * @param {import("../model.js").Model} model
 * @param {(id: string) => void} choose
 */
export function drawFlows(container, model, choose) {
  const entries = [...model.flows.values()].reverse().map((flow) =>
    element(
      "li",
      {},
      element(
        "button",
        {
          type: "button",
          class: "flow-tab",
          "data-key": flow.id,
          "aria-current": String(flow.id === model.chosen),
          onclick: () => choose(flow.id),
        },
        element("span", { class: "dot", "data-tone": TONES[flow.state] }),
        element("strong", {}, flow.title),
        element("span", { class: "muted" }, `${flow.client} · ${flow.mode}`),
        element("span", { class: "visually-hidden" }, STATES[flow.state]),
      ),
    ),
  );
  keepingFocus(container, () => {
    fill(container, entries.length > 0 && element("ul", { class: "flow-tabs" }, ...entries));
  });
}
