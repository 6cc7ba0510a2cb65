// Orders: what is done for the PIN only, handed in until the service has answered.

import { freshNonce } from "../connection/exchange.js";
import { withRetries } from "../connection/retry.js";
import { newOrder } from "../core/orders.js";
import { isPin, unwrapPinKey } from "../core/pin.js";
import { PhoneError } from "../errors.js";

/** @typedef {import("../running.js").RunningPhone} RunningPhone */

/** @type {Readonly<Record<string, import("../errors.js").ErrorCode>>} */
const CODES = {
  factors: "wrong_pin",
  locked: "locked",
  paused: "paused",
  stale: "stale",
  unknown_device: "unknown_device",
  invalid_passkey: "invalid_passkey",
  too_many_passkeys: "too_many_passkeys",
  unavailable: "unreachable",
};

/**
 * Have something done; raises `PhoneError`.
 * @param {RunningPhone} phone
 * @param {import("../core/orders.js").Wish} wish
 * @param {string} pin
 * @param {string} [nonce] that of passkey options
 */
export async function order(phone, wish, pin, nonce) {
  const pinKey = await unwrappedPinKey(phone, pin);
  const proof = { pinKey, nonce: nonce ?? (await nonceFor(phone)) };
  const { jti, token } = await newOrder(wish, proof, phone.means());
  pinKey.fill(0);
  return give(phone, jti, token);
}

/**
 * A nonce for an order; raises `PhoneError`.
 * @param {RunningPhone} phone
 * @returns {Promise<string>}
 */
export function nonceFor(phone) {
  return withRetries(() => freshNonce(phone.device.identity), phone.randomBytes);
}

/**
 * The key that the PIN unwraps; raises `PhoneError` while it is not known which PIN counts.
 * @param {RunningPhone} phone
 * @param {string | undefined} pin
 */
export async function unwrappedPinKey(phone, pin) {
  if (pin === undefined) {
    throw new PhoneError("missing_factor");
  }
  if (!isPin(pin)) {
    throw new PhoneError("invalid_pin");
  }
  await settlePin(phone);
  return unwrapPinKey(phone.device.identity.pinKey, pin);
}

/**
 * Send a pending change of the PIN again, to the byte; returns once it is known that the new one
 * counts, or that none was pending (null). Raises `PhoneError` where it does not, or is not known.
 * @param {RunningPhone} phone
 */
export async function settlePin(phone) {
  const pending = phone.device.identity.pendingPin;
  try {
    return pending === null ? null : await give(phone, pending.jti, pending.order);
  } catch (error) {
    if (error instanceof PhoneError && phone.device.identity.pendingPin === null) {
      return null; // the old one counts
    }
    throw error;
  }
}

/**
 * Hand in a signed order, the same one again until there is an outcome; raises `PhoneError`.
 * @param {RunningPhone} phone
 * @param {string} jti
 * @param {string} token
 */
export function give(phone, jti, token) {
  return withRetries(async () => {
    for (const message of await phone.askOnce({ type: "order", order: token })) {
      if (message.type === "order_done" && message.order === jti) {
        return message;
      }
      if (message.type === "order_refused" && message.order === jti) {
        throw refusalOf(message);
      }
    }
    throw new PhoneError("unreachable");
  }, phone.randomBytes);
}

/** @param {import("../core/messages.js").Said<"order_refused">} refused */
function refusalOf({ reason, attempts_left: attemptsLeft, retry_after: retryAfter }) {
  const retryAt = retryAfter === null ? null : Date.now() + retryAfter * 1000;
  return new PhoneError(CODES[reason] ?? "refused", { attemptsLeft, retryAt });
}
