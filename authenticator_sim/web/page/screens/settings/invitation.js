// A code for a further phone, as text and as a link. The page draws no QR code: whoever reads this
// in a browser opens the link in another, and a code made elsewhere would have to be sent there.

import { element } from "../../look/dom.js";
import { button } from "../../parts/buttons.js";
import { copyable } from "../../parts/copyable.js";
import { sheet, sheetHeading } from "../../parts/dialogs.js";
import { remaining } from "../../words/times.js";

/**
 * @param {import("../../model.js").Invitation} invitation
 * @param {import("../../parts/view.js").Surroundings} surroundings
 * @returns {import("../../parts/view.js").View & {element: HTMLDialogElement}}
 */
export function invitationSheet({ activationCode, expiresAt }, surroundings) {
  const { words, number } = surroundings;
  const said = words.phones;
  const dialog = sheet({ class: "invitation" });
  const until = element("p", { class: "hint" });
  const link = new URL(`?phone=${number + 1}#${activationCode}`, location.href).href;
  dialog.append(
    element("div", { class: "sheet-head" }),
    element(
      "div",
      { class: "sheet-body stack" },
      sheetHeading(dialog, said.invite),
      element("p", { class: "hint" }, said.inviteText),
      copyable(said.inviteCode, activationCode, surroundings),
      copyable(said.inviteLink, link, surroundings),
      until,
    ),
    element(
      "div",
      { class: "sheet-foot" },
      button(words.done, () => dialog.close(), { kind: "primary" }),
    ),
  );
  return {
    element: dialog,
    tick: (now) => {
      const left = expiresAt - now;
      until.textContent = left > 0 ? said.inviteUntil(remaining(left)) : said.inviteOver;
    },
  };
}
