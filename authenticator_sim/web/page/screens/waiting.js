// A further phone that waits until another phone of its user lets it in.

import { element } from "../look/dom.js";
import { button } from "../parts/buttons.js";
import { confirmed } from "../parts/dialogs.js";
import { Ring } from "../parts/ring.js";

const WHOLE_MS = 900_000;
const ASK_MS = 3_000;

/**
 * Show the comparison code, large enough to be typed elsewhere.
 *
 * @param {import("../parts/view.js").Surroundings} surroundings
 * @returns {import("../parts/view.js").View}
 */
export function waitingScreen(surroundings) {
  const { words, phone } = surroundings;
  const said = words.waiting;
  const { comparisonCode: code, waitsUntil } = phone.state;
  const until = waitsUntil ?? Date.now();
  let asked = Date.now();
  const ring = new Ring({ from: until - WHOLE_MS, until });
  const stop = async () => {
    const question = { title: said.giveTitle, text: said.giveText, action: said.give };
    if (await confirmed(surroundings, question)) {
      await phone.forget();
    }
  };
  return {
    element: element(
      "div",
      { class: "screen plain-page waiting" },
      element(
        "main",
        {},
        ring.element,
        element("h1", {}, said.title),
        element("p", { class: "ending-text" }, said.text),
        element(
          "p",
          { class: "comparison" },
          element("span", { class: "visually-hidden" }, `${said.code}: `),
          `${code?.slice(0, 3)} ${code?.slice(3)}`,
        ),
        element("p", { class: "hint centred" }, said.notYou),
        button(said.give, () => void stop(), { kind: "plain" }),
      ),
    ),
    tick: (now) => {
      ring.tick(now);
      if (now - asked >= ASK_MS) {
        asked = now;
        phone.reconnect();
      }
    },
  };
}
