// What can go wrong on the phone, as one closed list of codes; texts for people are the screens'.

/**
 * Codes and what they mean:
 *
 * - `invalid_pin`: not six to twelve digits; `weak_pin`: too easy to guess
 * - `invalid_name`: no plain text of 1 to 64 characters
 * - `invalid_issuer`: no https address (http is for this machine)
 * - `enrolment_refused`: the activation code or the second secret is not accepted
 * - `not_enrolled`: there is no phone here yet; `already_enrolled`: there is one
 * - `not_approved`: this phone waits for another one; `ended`: it counts no more
 * - `unreachable`: the service did not answer, or cannot now; `untrusted`: it is another service
 * - `not_open`: the request is unknown, answered, withdrawn or expired
 * - `missing_factor`: the request asks for more than was given
 * - `no_fresh_code`: the one-time code of this moment was used; the next comes with the next step
 * - `wrong_pin`: with `attemptsLeft`; `locked`: an operator must unlock; `paused`: until `retryAt`
 * - `stale`: it took too long, nothing was done; `busy`: a change of the PIN, or the enrolment, is
 *   under way
 * - `unknown_device`: no such phone (any more); `no_such_newcomer`: none that waits shows the code
 * - `disabled`: the user is; `passkeys_disabled`, `too_many_passkeys`, `invalid_passkey`,
 *   `unknown_passkey`; `no_gesture`: the user did not confirm at the passkey, or there is none
 * - `unknown_access`: there is none of that name
 * - `refused`: the service takes what this phone signed for wrong
 * - `elsewhere`: another tab has this phone; `storage`: the browser keeps nothing
 * - `insecure`: the page is not served over https or from this machine
 * - `closed`: the phone was closed
 *
 * @typedef {"invalid_pin" | "weak_pin" | "invalid_name" | "invalid_issuer" | "enrolment_refused"
 *   | "not_enrolled" | "already_enrolled" | "not_approved" | "ended" | "unreachable" | "untrusted"
 *   | "not_open" | "missing_factor" | "no_fresh_code" | "wrong_pin" | "locked" | "paused" | "stale"
 *   | "busy" | "unknown_device" | "no_such_newcomer" | "disabled" | "passkeys_disabled"
 *   | "too_many_passkeys" | "invalid_passkey" | "unknown_passkey" | "no_gesture"
 *   | "unknown_access" | "refused" | "elsewhere" | "storage" | "insecure" | "closed"} ErrorCode
 */

/** A refusal that the user can be told of; it never holds a secret. */
export class PhoneError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {{attemptsLeft?: number | null, retryAt?: number | null, cause?: unknown}} [more]
   *   `retryAt` is in milliseconds of this browser's clock
   */
  constructor(code, { attemptsLeft = null, retryAt = null, cause } = {}) {
    super(code, { cause });
    this.name = "PhoneError";
    this.code = code;
    this.attemptsLeft = attemptsLeft;
    this.retryAt = retryAt;
  }
}
