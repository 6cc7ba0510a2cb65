// Before the first flow.

import { drawing, element } from "../look/dom.js";

/** @returns {HTMLElement} */
export function emptyStage() {
  return element(
    "div",
    { class: "empty" },
    picture(),
    element("h2", {}, "See what a request does"),
    element(
      "p",
      { class: "muted" },
      "Choose a client, say whom to ask, and start. Every message between client, service and phone appears here: open one to see the raw HTTP, and each claim explained.",
    ),
  );
}

/** @returns {SVGElement} */
function picture() {
  return drawing(
    "svg",
    {
      viewBox: "0 0 240 120",
      width: 240,
      height: 120,
      "aria-hidden": "true",
      class: "empty-picture",
    },
    ...[40, 120, 200].flatMap((x) => [
      drawing("rect", { x: x - 22, y: 6, width: 44, height: 18, rx: 6 }),
      drawing("line", { x1: x, x2: x, y1: 24, y2: 114 }),
    ]),
    drawing("path", { d: "M40 46h76m-6-4 6 4-6 4" }),
    drawing("path", { d: "M120 68h76m-6-4 6 4-6 4" }),
    drawing("path", { d: "M200 90h-76m6-4-6 4 6 4" }),
  );
}
