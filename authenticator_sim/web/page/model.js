// What a phone shows of itself: types alone. All times are milliseconds of this browser's clock.

/**
 * One line of an authorization detail, as signed.
 * @typedef {Object} ShownLine
 * @property {string} member path of what it shows
 * @property {string} label
 * @property {readonly string[]} texts one below the other
 * @property {boolean} worded whether the texts are the service's own words
 */

/**
 * @typedef {Object} ShownDetail
 * @property {string} title
 * @property {readonly ShownLine[]} lines
 */

/**
 * The final text, as signed: each member to the letter, apart from the others, under a label of its
 * own. What the service left out is null.
 * @typedef {Object} Display
 * @property {string} title
 * @property {string} client
 * @property {readonly string[]} shares
 * @property {string | null} binding_message
 * @property {string | null} amount
 * @property {string | null} payee
 * @property {string | null} payee_account
 * @property {string | null} remittance_information
 * @property {readonly ShownDetail[]} details
 * @property {string | null} logo SHA-256 of the client's picture (base64url)
 */

/** @typedef {"device_key" | "pin" | "passkey" | "otp" | "verification_code"} Factor */
/** @typedef {"declined" | "not_me"} DenialReason */
/** @typedef {"factors" | "locked" | "paused" | "not_open" | "invalid_decision"} RefusalReason */
/** @typedef {"locked" | "not_open" | "invalid_decision" | "unknown"} VoidReason */
/** @typedef {"decided" | "expired" | "cancelled" | "failed" | "gone"} WithdrawalReason */

/**
 * Why the last decision did not count.
 * @typedef {Object} Refusal
 * @property {RefusalReason} reason
 * @property {number | null} attemptsLeft
 * @property {number | null} retryAt
 */

/**
 * A verified challenge that waits for the user. `step`: `deciding` while a decision is being made
 * and sent, `unsure` while it is sent again because its outcome is not known (offline, say).
 * @typedef {Object} Request
 * @property {string} transactionId
 * @property {Display} display
 * @property {"en" | "de"} locale language of the service's words in `display`
 * @property {readonly Factor[]} factors what an approval needs; a denial needs nothing
 * @property {boolean} passkeyForPin whether a passkey may take the place of the PIN
 * @property {number} issuedAt
 * @property {number} expiresAt
 * @property {"open" | "deciding" | "unsure"} step
 * @property {Refusal | null} refusal
 */

/**
 * A decision of this phone that counts.
 * @typedef {Object} Decided
 * @property {string} transactionId
 * @property {"approved" | "denied"} verdict
 * @property {DenialReason | null} reason
 * @property {number} decidedAt
 * @property {Display} display
 * @property {"en" | "de"} locale
 */

/**
 * A further phone that waits for this one. Its code is typed by the user, never shown.
 * @typedef {Object} Newcomer
 * @property {string} deviceId
 * @property {string} name
 * @property {number} since
 * @property {number} until
 */

/**
 * Something to tell the user once. `id` is unique on this phone while it runs; `at` is when it
 * happened, as far as the service says.
 * @typedef {{id: number, at: number} & (
 *   {type: "device_enrolled" | "device_revoked" | "device_rejected", deviceId: string, name: string}
 *   | {type: "attempts_warning", deviceId: string, name: string, attemptsLeft: number}
 *   | {type: "passkey_added" | "passkey_removed", deviceId: string, name: string, passkeyId: string}
 *   | {type: "challenge_ignored", reason: ChallengeRefusal}
 *   | {type: "keys_pinned" | "keys_ignored"}
 *   | {type: "pin_changed" | "pin_not_changed"}
 *   | {type: "request_withdrawn", transactionId: string, client: string, reason: WithdrawalReason}
 *   | {type: "answer_void", transactionId: string, client: string, reason: VoidReason}
 * )} Notice
 */

/**
 * Why a challenge is not believed, and so not shown.
 * @typedef {"not_authentic" | "malformed" | "unknown_version" | "another_issuer" | "expired"
 *   | "payment_not_shown" | "details_not_shown" | "replaced"} ChallengeRefusal
 */

/**
 * What keeps the phone from working. `storage`: the browser keeps nothing (private window, full
 * disk); `insecure`: the page is not served safely; `unsupported`: this browser lacks what is
 * needed; `untrusted`: the service is not the one this phone was enrolled with; `mended`: the
 * service could not read this phone, which sends its unanswered decisions no more.
 * @typedef {{code: "storage" | "insecure" | "unsupported" | "untrusted" | "mended"}} Problem
 */

/**
 * @typedef {Object} State
 * @property {"new" | "waiting" | "ready" | "ended"} stage
 *   new: nothing is enrolled; waiting: a further phone that waits for approval; ended: it counts no
 *   more and its keys are destroyed
 * @property {"revoked" | "rejected" | "given_up" | null} endedBecause rejected: it never was approved
 * @property {"online" | "connecting" | "offline" | "elsewhere"} connection
 *   elsewhere: this phone is open in another tab, or another copy of it took its place
 * @property {number | null} retryAt when it connects again
 * @property {string | null} issuer
 * @property {string | null} subject
 * @property {string | null} deviceName
 * @property {string | null} deviceId
 * @property {string | null} comparisonCode six digits, while it waits
 * @property {number | null} waitsUntil
 * @property {number} serviceTimeOffset what to add to Date.now() for the service's time
 * @property {boolean} hasPasskey whether this phone has a passkey to approve with
 * @property {boolean} pinChangePending whether it is not known yet which PIN counts
 * @property {readonly Request[]} requests open, the oldest first
 * @property {readonly Decided[]} history the newest first, 50 at most
 * @property {readonly Newcomer[]} newcomers
 * @property {readonly Notice[]} notices the newest first, 50 at most
 * @property {readonly string[]} reportable transactions that are over, of which "not me" still counts
 * @property {boolean} locked factors are locked: an operator must unlock
 * @property {Problem | null} problem
 */

/**
 * What became of a decision.
 * @typedef {{outcome: "approved" | "denied"}
 *   | {outcome: "refused", reason: RefusalReason, attemptsLeft: number | null,
 *      retryAt: number | null}
 *   | {outcome: "withdrawn", reason: WithdrawalReason}
 *   | {outcome: "expired" | "unknown"}} Outcome
 */

/**
 * What the user gives for an approval: as much as `factors` asks for. The one-time code is the
 * phone's own, and made when all else is there; `usePasskey` takes the place of the PIN where it may.
 * @typedef {Object} Proofs
 * @property {string} [pin]
 * @property {string} [verificationCode]
 * @property {boolean} [usePasskey]
 */

/**
 * @typedef {Object} Enrolment
 * @property {string} activationCode
 * @property {string} [secondSecret]
 * @property {string} name what the user calls this phone
 * @property {string} pin
 */

/** @typedef {{code: string, validUntil: number}} OneTimeCode */
/** @typedef {{handle: string, expiresAt: number}} LoginHandle */
/** @typedef {{deviceId: string, name: string, enrolledAt: number, isThis: boolean}} Device */
/** @typedef {{activationCode: string, link: string, expiresAt: number}} Invitation */
/**
 * @typedef {Object} Access a client that has access that lasts
 * @property {string} transactionId
 * @property {string} client
 * @property {readonly string[]} shares
 * @property {readonly ShownDetail[]} details
 * @property {number} since
 * @property {number} until when it ends unless it is used
 */
/** @typedef {{passkeyId: string, registeredAt: number, synced: boolean, backedUp: boolean}} Passkey */
/** @typedef {{passkeys: readonly Passkey[], offered: boolean}} Passkeys offered: whether any counts */

export {};
