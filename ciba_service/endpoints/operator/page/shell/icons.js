// Small drawings beside the names of the views; they say nothing that the names do not.

import { drawing } from "../look/dom.js";

/** @type {Record<string, string>} */
const PATHS = {
  overview: "M3 11 10 4l7 7M5 9.5V16h10V9.5",
  transactions: "M4 6h9m0 0-3-3m3 3-3 3M16 14H7m0 0 3-3m-3 3 3 3",
  users: "M10 10a3.2 3.2 0 1 0 0-6.4A3.2 3.2 0 0 0 10 10ZM3.8 17c.6-3.2 3-5 6.2-5s5.6 1.8 6.2 5",
  phones: "M6 2.8h8v14.4H6zM9 14.6h2",
  deliveries: "M3 5h14v10H3zM3 6l7 5 7-5",
  clients: "M3 8h14M4 4h12l1 4v8H3V8zM8 16v-4h4v4",
  events: "M2.5 10H6l2-5.5L12 15l2-5h3.5",
  evidence:
    "M10 2.8 16 5v5c0 3.6-2.4 6-6 7.4C6.400 16 4 13.600 4 10V5zM7.500 10l1.800 1.800 3.200-3.600",
};

/**
 * @param {string} view
 * @returns {SVGSVGElement}
 */
export function icon(view) {
  return drawing(
    "svg",
    { viewBox: "0 0 20 20", class: "icon", "aria-hidden": "true", focusable: "false" },
    drawing("path", { d: PATHS[view] ?? "" }),
  );
}
