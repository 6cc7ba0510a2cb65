// The PIN: which ones may be chosen, and how its key is stored so that a thief learns nothing.
//
// The key is uniformly random, so that every PIN unwraps it to some key of the same length: only
// the service can tell the right one, and it counts attempts (NIST SP 800-63B 3.2.10).

import { utf8 } from "./bytes.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {{salt: Bytes, wrapped: Bytes}} WrappedPinKey no tag, no checksum, no length */

export const PIN_KEY_BYTES = 32;
export const SALT_BYTES = 16;
const ROUNDS = 600_000;
const PIN = /^[0-9]{6,12}$/;

/** The rules below catch runs and repetitions; these are the commonest of the rest. */
const COMMONEST = new Set(
  (
    "112233 332211 123321 654456 102030 112358 121314 135790 142536 147258 147852 159357 159753 " +
    "246810 258456 314159 520131 789456 852456 951753 963852 1314520 5201314 11223344 12344321 " +
    "12345679 14725836 31415926 147258369 1122334455"
  ).split(" "),
);

/**
 * What is wrong with a PIN that is chosen, if anything (PSD2 RTS art. 6(1)).
 * @param {string} pin
 * @returns {"invalid_pin" | "weak_pin" | null}
 */
export function flawOfChosenPin(pin) {
  if (!isPin(pin)) {
    return "invalid_pin";
  }
  return isRepetition(pin) || isRun(pin) || COMMONEST.has(pin) ? "weak_pin" : null;
}

/** @param {string} pin @returns {boolean} */
export function isPin(pin) {
  return PIN.test(pin);
}

/**
 * Hide the PIN key behind the PIN, under a fresh salt.
 * @param {Bytes} key
 * @param {string} pin
 * @param {Bytes} salt
 * @returns {Promise<WrappedPinKey>}
 */
export async function wrapPinKey(key, pin, salt) {
  return { salt, wrapped: await xorDerived(key, pin, salt) };
}

/**
 * Recover the PIN key; never fails for a wrong PIN.
 * @param {WrappedPinKey} wrapped
 * @param {string} pin
 * @returns {Promise<Bytes>}
 */
export function unwrapPinKey(wrapped, pin) {
  return xorDerived(wrapped.wrapped, pin, wrapped.salt);
}

/** @param {Bytes} data @param {string} pin @param {Bytes} salt */
async function xorDerived(data, pin, salt) {
  const key = await crypto.subtle.importKey("raw", utf8(pin), "PBKDF2", false, ["deriveBits"]);
  const derivation = { name: "PBKDF2", hash: "SHA-256", salt, iterations: ROUNDS };
  const mask = new Uint8Array(await crypto.subtle.deriveBits(derivation, key, PIN_KEY_BYTES * 8));
  return data.map((byte, at) => byte ^ (mask[at] ?? 0));
}

/** @param {string} digits */
function isRepetition(digits) {
  return Array.from({ length: Math.floor(digits.length / 2) }, (_, at) => at + 1).some((period) =>
    [...digits].every((digit, at) => digit === digits[at % period]),
  );
}

/** @param {string} digits */
function isRun(digits) {
  const steps = new Set(
    [...digits].slice(1).map((digit, at) => (Number(digit) - Number(digits[at]) + 10) % 10),
  );
  return steps.size === 1 && (steps.has(1) || steps.has(9));
}
