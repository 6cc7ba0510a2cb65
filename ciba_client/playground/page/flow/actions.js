// What can be done with a flow now.

import { offerCopy } from "../copying.js";
import { element, fill } from "../look/dom.js";
import { post, Refused, read } from "../session.js";
import { USES } from "../words.js";

/**
 * @param {import("../model.js").Flow} flow
 * @param {string} told what the last action said
 * @returns {HTMLElement}
 */
export function actions(flow, told) {
  const said = element("span", { class: "told", role: "status" }, told);
  /**
   * @param {string} key
   * @param {string} text
   * @param {() => Promise<{text: string} | undefined>} act
   * @param {string} [kind]
   */
  const action = (key, text, act, kind) =>
    element(
      "button",
      { type: "button", class: kind, "data-key": `act-${key}`, onclick: () => tell(act) },
      text,
    );
  const tell = async (/** @type {() => Promise<{text: string} | undefined>} */ act) => {
    try {
      const answer = await act();
      say(answer?.text ?? "");
    } catch (error) {
      say(error instanceof Refused ? error.message : "The playground cannot be reached.");
    }
  };
  const say = (/** @type {string} */ text) => {
    for (const place of document.querySelectorAll("#flow .told")) {
      fill(place, text);
    }
  };
  const path = `/api/flows/${flow.id}`;
  return element(
    "div",
    { class: "row actions" },
    flow.can.includes("cancel") &&
      action("cancel", "Cancel request", () => post(`${path}/cancel`), "danger"),
    ...flow.can
      .filter((name) => name in USES)
      .map((name) => action(name, USES[name] ?? name, () => post(`${path}/use`, { name }))),
    action("python", "Copy as Python", async () => {
      const { text } = await read(`${path}/program`);
      offerCopy(
        "As a Python program",
        "With the client library, and the files that client.toml names.",
        text,
      );
      return undefined;
    }),
    action("forget", "Forget", () => post(`${path}/forget`)),
    said,
  );
}
