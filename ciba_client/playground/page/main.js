// The page: listens, and draws what changed.

import { drawEndpoint } from "./endpoint.js";
import { drawFlows } from "./flow/list.js";
import { drawFlow } from "./flow/view.js";
import { element, fill } from "./look/dom.js";
import { closeMessage, showMessage } from "./message/panel.js";
import { Model } from "./model.js";
import { drawOrder } from "./order/form.js";
import { beginSession } from "./session.js";
import { follow } from "./stream.js";
import { STATES } from "./words.js";

const model = new Model();

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
function place(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** @param {string} id */
function choose(id) {
  if (model.chosen !== id) {
    closed();
    closeMessage(place("message"));
  }
  model.chosen = id;
  draw();
}

/** @param {number} number */
function open(number) {
  const flow = model.flow;
  if (flow !== undefined) {
    model.message = number;
    draw();
    showMessage(place("message"), flow, number, open, closed);
  }
}

function closed() {
  model.message = null;
  draw();
}

function draw() {
  drawFlows(place("flows"), model, choose);
  drawFlow(place("flow"), model, open);
}

/** @param {import("./model.js").Flow} flow */
function announce(flow) {
  const last = flow.steps.at(-1);
  fill(place("announcement"), `${flow.title}: ${STATES[flow.state]}. ${last?.label ?? ""}`);
}

/**
 * @param {string} name
 * @param {any} data
 */
function hear(name, data) {
  model.hear(name, data);
  if (name === "hello") {
    drawOrder(place("order"), model, choose);
  }
  if (name === "hello" || name === "endpoint") {
    drawEndpoint(place("endpoint"), model);
  }
  if (name === "flow" && data.id === model.chosen) {
    announce(data);
  }
  draw();
}

/**
 * @param {import("./stream.js").Connection} connection
 * @param {string} text
 */
function connected(connection, text) {
  place("connection").dataset.connection = connection;
  fill(place("connection"), connection === "refused" ? "No session" : text);
  if (connection === "refused") {
    closeMessage(place("message"));
    fill(
      place("workbench"),
      element(
        "div",
        { class: "notice" },
        element("h2", {}, "This tab has no session"),
        element("p", {}, text),
      ),
    );
  }
}

beginSession();
addEventListener("hashchange", () => {
  beginSession();
  location.reload();
});
follow(hear, connected);
