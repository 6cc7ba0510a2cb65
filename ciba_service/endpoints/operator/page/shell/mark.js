// The mark of the console.

import { drawing, element } from "../look/dom.js";

/** @returns {HTMLElement} */
export function mark() {
  const svg = drawing(
    "svg",
    { viewBox: "0 0 32 32", class: "mark", "aria-hidden": "true" },
    drawing("rect", { width: 32, height: 32, rx: 9 }),
    drawing("path", { d: "M9 17.2 14 22l9.500-11.500" }),
  );
  return element("p", { class: "product" }, svg, element("span", {}, "CIBA operations"));
}
