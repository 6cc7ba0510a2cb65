// What became of a request, in words and a sign.

/** @typedef {import("../../words/en.js").Words} Words */
/** @typedef {import("../../model.js").Request} Request */
/** @typedef {import("../../model.js").DenialReason} DenialReason */

/**
 * @typedef {Object} Ending
 * @property {"good" | "bad" | "plain"} tone
 * @property {import("../../parts/icons.js").IconName} icon
 * @property {string} title
 * @property {string} text
 * @property {string} [action] what to do now
 */

/**
 * What a decision has led to, or null where it may be tried again.
 *
 * @param {import("../../model.js").Outcome} outcome
 * @param {Request} request
 * @param {DenialReason | null} reason why it was declined, if it was
 * @param {Words} words
 * @returns {Ending | null}
 */
export function endingOf(outcome, request, reason, words) {
  switch (outcome.outcome) {
    case "approved":
      return approved(words);
    case "denied":
      return denied(words, request, reason);
    case "expired":
      return withdrawn(words, "expired");
    case "withdrawn":
      return withdrawn(words, outcome.reason);
    case "refused":
      return endingOfRefusal(outcome, words);
    case "unknown":
      return unknown(words);
  }
}

/**
 * The end of what a refusal has ended, or null where it may be tried again.
 *
 * @param {Pick<import("../../model.js").Refusal, "reason" | "attemptsLeft">} refusal
 * @param {Words} words
 * @returns {Ending | null}
 */
export function endingOfRefusal({ reason, attemptsLeft }, { outcome }) {
  const ended = attemptsLeft === 0 ? "locked" : reason;
  switch (ended) {
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
    default:
      return null;
  }
}

/**
 * What became of a request that is open no more, as far as the phone knows.
 *
 * @param {import("../../model.js").State} state
 * @param {Request} request
 * @param {Words} words
 * @returns {Ending}
 */
export function endingOfAbsence(state, request, words) {
  const { transactionId, expiresAt } = request;
  const decided = state.history.find((each) => each.transactionId === transactionId);
  if (decided) {
    return decided.verdict === "approved"
      ? approved(words)
      : denied(words, request, decided.reason);
  }
  const late = Date.now() >= expiresAt ? "expired" : "gone";
  const notice = endOf(state, transactionId);
  if (notice?.type === "answer_void") {
    return endingOfVoid(notice.reason, words);
  }
  return withdrawn(words, notice?.reason ?? late);
}

/**
 * The notice that a request has ended without an answer that counts.
 *
 * @param {import("../../model.js").State} state
 * @param {string} transactionId
 */
export function endOf({ notices }, transactionId) {
  return notices
    .filter((each) => each.type === "request_withdrawn" || each.type === "answer_void")
    .find((each) => each.transactionId === transactionId);
}

/**
 * After the service, or time, took the request back.
 *
 * @param {Words} words
 * @param {import("../../model.js").WithdrawalReason} reason
 * @returns {Ending}
 */
function withdrawn({ outcome }, reason) {
  return {
    tone: "plain",
    icon: reason === "expired" ? "clock" : "info",
    title: outcome.withdrawn[reason],
    text: outcome.withdrawnText[reason],
  };
}

/**
 * @param {import("../../model.js").VoidReason} reason
 * @param {Words} words
 * @returns {Ending}
 */
function endingOfVoid(reason, words) {
  const refused =
    reason === "unknown" ? null : endingOfRefusal({ reason, attemptsLeft: null }, words);
  return refused ?? unknown(words);
}

/** @param {Words} words @returns {Ending} */
function unknown({ outcome }) {
  return { tone: "plain", icon: "question", title: outcome.unknown, text: outcome.unknownText };
}

/** @param {Words} words @returns {Ending} */
function approved({ outcome }) {
  return { tone: "good", icon: "check", title: outcome.approved, text: outcome.approvedText };
}

/**
 * After the user has declined, or reported it.
 *
 * @param {Words} words
 * @param {Request} request
 * @param {DenialReason | null} reason
 * @returns {Ending}
 */
export function denied({ outcome }, { display }, reason) {
  return reason === "not_me"
    ? {
        tone: "plain",
        icon: "warning",
        title: outcome.reported,
        text: outcome.reportedText(display.client),
      }
    : {
        tone: "plain",
        icon: "cross",
        title: outcome.denied,
        text: outcome.deniedText(display.client),
      };
}
