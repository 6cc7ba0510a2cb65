// News that the user has to know of once, each with a way to put it away.

import { element } from "../../look/dom.js";
import { button, pictureButton } from "../../parts/buttons.js";
import { icon } from "../../parts/icons.js";
import { reportLate } from "./late-report.js";

/** @typedef {import("../../model.js").Notice} Notice */
/** @typedef {import("../../words/en.js").Words} Words */

const ALARMS = new Set([
  "device_enrolled",
  "attempts_warning",
  "passkey_added",
  "challenge_ignored",
  "keys_ignored",
  "answer_void",
]);

/**
 * One notice.
 *
 * @param {Notice} notice
 * @param {import("../../parts/view.js").Surroundings} surroundings
 * @returns {import("../../parts/kept-list.js").Row<Notice>}
 */
export function noticeRow(notice, surroundings) {
  const { phone, words } = surroundings;
  const alarming = ALARMS.has(notice.type);
  const over = notice.type === "request_withdrawn" ? notice : null;
  const report = button(words.request.notMe, () => void (over && reportLate(over, surroundings)));
  const line = element(
    "li",
    { class: alarming ? "notice alarming" : "notice" },
    icon(alarming ? "warning" : "info"),
    element("p", {}, noticeText(notice, words)),
    report,
    pictureButton("cross", words.dismiss, () => phone.dismiss(notice.id)),
  );
  const update = () => {
    report.hidden = !(over && phone.state.reportable.includes(over.transactionId));
  };
  return { element: line, update };
}

/**
 * A notice as a sentence.
 *
 * @param {Notice} notice
 * @param {Words} words
 * @returns {string}
 */
export function noticeText(notice, { notice: said }) {
  switch (notice.type) {
    case "device_enrolled":
    case "device_revoked":
    case "device_rejected":
    case "passkey_added":
    case "passkey_removed":
      return said[notice.type](notice.name);
    case "attempts_warning":
      return said.attempts_warning(notice.name, notice.attemptsLeft);
    case "request_withdrawn":
      return said.request_withdrawn(notice.client, said.why[notice.reason]);
    case "answer_void":
      return said.answer_void(notice.client, said.whyVoid[notice.reason]);
    default:
      return said[notice.type];
  }
}
