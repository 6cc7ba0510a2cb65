// The end of the session, counted down by the clock of the service.

import { serviceClock } from "../api/service_clock.js";
import { element } from "../look/dom.js";
import { say } from "../parts/announce.js";
import { duration, tickDistances } from "../parts/instant.js";

const WARNED_AT = [300, 60];

/**
 * Show and announce it; `ended` is called once.
 *
 * @param {number} expiresAt milliseconds
 * @param {AbortSignal} signal
 * @param {() => void} ended
 * @returns {HTMLElement}
 */
export function sessionEnd(expiresAt, signal, ended) {
  const shown = element("p", { class: "session-end" });
  let warned = Infinity;

  function tick() {
    const left = Math.ceil((expiresAt - serviceClock.now()) / 1000);
    tickDistances();
    if (left <= 0) {
      ended();
      return;
    }
    shown.textContent = `Session ends in ${left > 300 ? `${Math.ceil(left / 60)} min` : duration(left)}`;
    shown.classList.toggle("soon", left <= 300);
    for (const mark of WARNED_AT) {
      if (left <= mark && warned > mark) {
        warned = mark;
        say(`The session ends in ${duration(mark)}. Sign in again to go on after that.`);
      }
    }
  }

  const timer = setInterval(tick, 1000);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  tick();
  return shown;
}
