// The switch of the notification endpoint: how it answers providers from now on.

import { element, fill } from "./look/dom.js";
import { post } from "./session.js";
import { ANSWERS } from "./words.js";

const AS_IT_SHOULD = "";

/**
 * @param {HTMLElement} container
 * @param {import("./model.js").Model} model
 */
export function drawEndpoint(container, model) {
  if (model.clients.every((client) => client.mode === "poll")) {
    return;
  }
  const options = [AS_IT_SHOULD, ...model.answers].map((answer) =>
    element(
      "option",
      { value: answer, selected: answer === (model.answer ?? AS_IT_SHOULD) },
      answer === AS_IT_SHOULD ? "as it should" : (ANSWERS[answer] ?? answer),
    ),
  );
  const select = element(
    "select",
    {
      id: "answer",
      onchange: () => post("/api/endpoint", { answer: select.value || null }),
    },
    ...options,
  );
  container.className = "endpoint";
  container.dataset.hostile = String(model.answer !== null);
  if (document.activeElement?.id === "answer") {
    const known = /** @type {HTMLSelectElement} */ (document.activeElement);
    known.value = model.answer ?? AS_IT_SHOULD;
    return;
  }
  fill(container, element("label", { for: "answer" }, "Notification endpoint answers"), select);
}
