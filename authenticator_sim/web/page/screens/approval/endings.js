// What became of a request, in words and a sign.

/** @typedef {import("../../words/en.js").Words} Words */
/** @typedef {import("../../model.js").Request} Request */

/**
 * @typedef {Object} Ending
 * @property {"good" | "bad" | "plain"} tone
 * @property {import("../../parts/icons.js").IconName} icon
 * @property {string} title
 * @property {string} text
 * @property {string} [action] what to do now
 */

/**
 * After an approval that counts.
 *
 * @param {Words} words
 * @returns {Ending}
 */
export function approved({ outcome }) {
  return { tone: "good", icon: "check", title: outcome.approved, text: outcome.approvedText };
}

/**
 * After a denial that counts.
 *
 * @param {Words} words
 * @param {Request} request
 * @param {import("../../model.js").DenialReason | null} reason
 * @returns {Ending}
 */
export function denied({ outcome }, request, reason) {
  const client = request.display.client;
  return reason === "not_me"
    ? {
        tone: "plain",
        icon: "warning",
        title: outcome.reported,
        text: outcome.reportedText(client),
      }
    : { tone: "plain", icon: "cross", title: outcome.denied, text: outcome.deniedText(client) };
}

/**
 * After the service took the request back.
 *
 * @param {Words} words
 * @param {import("../../model.js").WithdrawalReason} reason
 * @returns {Ending}
 */
export function withdrawn({ outcome }, reason) {
  return {
    tone: "plain",
    icon: reason === "expired" ? "clock" : "info",
    title: outcome.withdrawn[reason],
    text: outcome.withdrawnText[reason],
  };
}

/**
 * After its time.
 *
 * @param {Words} words
 * @returns {Ending}
 */
export function expired({ outcome }) {
  return { tone: "plain", icon: "clock", title: outcome.expired, text: outcome.expiredText };
}

/**
 * After a decision that can never count, and is not asked for again.
 *
 * @param {Words} words
 * @param {"locked" | "not_open" | "invalid_decision"} reason
 * @returns {Ending}
 */
export function refused({ outcome }, reason) {
  switch (reason) {
    case "locked":
      return {
        tone: "bad",
        icon: "lock",
        title: outcome.locked,
        text: outcome.lockedText,
        action: outcome.lockedAction,
      };
    case "not_open":
      return { tone: "plain", icon: "info", title: outcome.notOpen, text: outcome.notOpenText };
    case "invalid_decision":
      return { tone: "bad", icon: "warning", title: outcome.invalid, text: outcome.invalidText };
  }
}
