// What a view works with: who operates, until when it is shown, and how things are changed.

import { element } from "../look/dom.js";
import { keptFresh } from "../parts/kept_fresh.js";
import { openWriteDialog } from "../parts/write_dialog.js";

/**
 * @typedef {import("../look/dom.js").Child} Child
 * @typedef {{ title: string, parent?: [string, string], body: Child[] }} View
 *   `parent` is the name and the address of the list that it comes from
 * @typedef {{ label: string, title: string, sentence: Child[], verb: string, danger?: boolean,
 *   typed?: string, act: () => Promise<void> }} Change
 */

/** The desk of one view. */
export class Desk {
  /**
   * @param {import("../api/session.js").Session} session
   * @param {AbortSignal} signal until the view is left
   * @param {() => void} ended to be called when the session is over
   */
  constructor(session, signal, ended) {
    this.session = session;
    this.signal = signal;
    this.ended = ended;
  }

  /**
   * Show what is looked at again by itself, for as long as the view is open.
   *
   * @template Data
   * @param {{ load: () => Promise<Data>, seconds?: number,
   *   draw: (data: Data, again: () => void) => Child[] }} kept
   * @returns {{ body: HTMLElement, again: () => Promise<void> }}
   */
  keep(kept) {
    return keptFresh({ ...kept, signal: this.signal, ended: this.ended });
  }

  /**
   * A button that changes something, once that was confirmed; it is off for whoever may only look.
   *
   * @param {Change} change
   * @returns {HTMLButtonElement}
   */
  button({ label, danger = false, ...change }) {
    const mayWrite = this.session.mayWrite;
    const onclick = () => openWriteDialog({ ...change, danger, ended: this.ended });
    return element(
      "button",
      {
        type: "button",
        class: danger ? "button danger-quiet" : "button",
        disabled: !mayWrite,
        "aria-describedby": mayWrite ? null : "read-only",
        "data-focus": `${label} ${change.title}`,
        onclick,
      },
      label,
    );
  }
}
