// Raw HTTP, spread out or to the letter.

import { element, fill } from "../look/dom.js";

/**
 * @typedef {{line: string, headers: [string, string][], body: string, pretty: string}} RawHttp
 */

/**
 * @param {RawHttp} raw
 * @param {string} direction
 * @returns {HTMLElement}
 */
export function rawHttp(raw, direction) {
  const shown = element("pre", { tabIndex: 0, "aria-label": `Raw ${direction}` });
  const same = raw.pretty === raw.body;
  const draw = (/** @type {boolean} */ exact) =>
    fill(
      shown,
      element("span", { class: "line" }, raw.line),
      ...raw.headers.flatMap(([name, value]) => [
        "\n",
        element("span", { class: "name" }, name),
        `: ${value}`,
      ]),
      raw.body && "\n\n",
      exact ? raw.body : raw.pretty,
    );
  draw(false);
  return element(
    "div",
    { class: "raw" },
    !same &&
      element(
        "label",
        { class: "exact" },
        element("input", {
          type: "checkbox",
          onchange: (/** @type {Event} */ event) =>
            draw(/** @type {HTMLInputElement} */ (event.target).checked),
        }),
        "to the letter",
      ),
    shown,
  );
}
