// What is looked at again by itself, and drawn anew only when it has changed.

import { asRefusal, refusalSentence } from "../api/refusal.js";
import { element, fill } from "../look/dom.js";
import { replaceKeepingFocus } from "./focus.js";
import { loading, trouble } from "./panel.js";

/**
 * @template Data
 * @typedef {{ load: () => Promise<Data>, draw: (data: Data, again: () => void) => import("../look/dom.js").Child[],
 *   seconds?: number, signal: AbortSignal, ended: () => void }} Kept
 */

/**
 * Load and draw until the signal; `again` looks at once. While the window is hidden nobody looks.
 *
 * @template Data
 * @param {Kept<Data>} kept
 * @returns {{ body: HTMLElement, again: () => Promise<void> }}
 */
export function keptFresh({ load, draw, seconds = 5, signal, ended }) {
  const shown = element("div", { class: "kept" }, loading());
  const stale = element("p", { class: "stale", role: "status" });
  const body = element("div", {}, stale, shown);
  let looks = 0;
  let drawn = "";
  let timer = 0;

  async function again() {
    const look = ++looks;
    clearTimeout(timer);
    try {
      const data = await load();
      if (look === looks && !signal.aborted) {
        show(data);
      }
    } catch (error) {
      const refusal = asRefusal(error);
      if (look === looks && !signal.aborted) {
        complain(refusal);
      }
    }
    if (look === looks && !signal.aborted) {
      timer = setTimeout(tick, seconds * 1000);
    }
  }

  /** @param {Data} data */
  function show(data) {
    const said = JSON.stringify(data);
    fill(stale);
    if (said !== drawn) {
      drawn = said;
      replaceKeepingFocus(shown, ...draw(data, again));
    }
  }

  /** @param {import("../api/refusal.js").Refusal} refusal */
  function complain(refusal) {
    if (refusal.code === "unauthenticated") {
      ended();
    } else if (drawn === "" || refusal.code === "not_found") {
      drawn = "";
      replaceKeepingFocus(shown, trouble(refusal, again));
    } else {
      fill(stale, `${refusalSentence(refusal)} What stands here may be old.`);
    }
  }

  function tick() {
    if (document.hidden) {
      timer = setTimeout(tick, seconds * 1000);
    } else {
      again();
    }
  }

  function seen() {
    if (!document.hidden) {
      again();
    }
  }

  document.addEventListener("visibilitychange", seen, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  again();
  return { body, again };
}
