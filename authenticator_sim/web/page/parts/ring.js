// Time that is left, as a ring that empties.

import { drawing, element } from "../look/dom.js";
import { remaining } from "../words/times.js";

const RADIUS = 20;
const ROUND = 2 * Math.PI * RADIUS;
const HURRY_MS = 30_000;

/** A ring around the time that is left; those who cannot see it hear of it where it matters. */
export class Ring {
  /** @type {number} */
  #from;
  /** @type {number} */
  #until;
  #arc = drawing("circle", { class: "ring-left", cx: 24, cy: 24, r: RADIUS });
  #text = element("span", { class: "ring-text" });

  /** @type {number} */
  #hurry;

  /**
   * @param {{from: number, until: number}} span milliseconds
   * @param {number} [hurry] what is little time, in milliseconds
   */
  constructor({ from, until }, hurry = HURRY_MS) {
    this.#from = from;
    this.#until = until;
    this.#hurry = hurry;
    this.#arc.setAttribute("stroke-dasharray", String(ROUND));
    this.element = element(
      "div",
      { class: "ring" },
      drawing(
        "svg",
        { viewBox: "0 0 48 48", "aria-hidden": "true" },
        drawing("circle", { class: "ring-whole", cx: 24, cy: 24, r: RADIUS }),
        this.#arc,
      ),
      this.#text,
    );
  }

  /**
   * Begin anew, for another span.
   *
   * @param {{from: number, until: number}} span milliseconds
   */
  restart({ from, until }) {
    this.#from = from;
    this.#until = until;
  }

  /** @param {number} now milliseconds */
  tick(now) {
    const left = Math.max(0, this.#until - now);
    const share = Math.min(1, left / Math.max(1, this.#until - this.#from));
    this.#arc.setAttribute("stroke-dashoffset", String(ROUND * (1 - share)));
    this.element.classList.toggle("hurry", left <= this.#hurry);
    this.#text.textContent = remaining(left);
  }
}
