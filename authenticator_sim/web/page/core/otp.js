// The one-time code (RFC 6238): its key, its step, its digits.

import { Malformed } from "./json.js";
import { integer, object, oneOf, orElse, text } from "./shapes.js";

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HASHES = { SHA1: "SHA-1", SHA256: "SHA-256", SHA512: "SHA-512" };

export const totpParameters = object({
  secret: text,
  algorithm: orElse(oneOf("SHA1", "SHA256", "SHA512"), "SHA1"),
  digits: orElse(integer, 6),
  period: orElse(integer, 30),
});

/**
 * A seed as a key that cannot be read out again, and its settings; `period` is in seconds.
 * @typedef {{key: CryptoKey, digits: number, period: number}} Totp
 */

/**
 * Take the seed in; raises `Malformed` for settings that no code can be made with.
 * @param {ReturnType<typeof totpParameters>} parameters
 * @returns {Promise<Totp>}
 */
export async function importTotp({ secret, algorithm, digits, period }) {
  const seed = decodeBase32(secret);
  if (seed.length === 0 || digits < 6 || digits > 10 || period < 1 || period > 3600) {
    throw new Malformed("one-time codes that cannot be made");
  }
  const hmac = { name: "HMAC", hash: HASHES[algorithm] };
  return { key: await crypto.subtle.importKey("raw", seed, hmac, false, ["sign"]), digits, period };
}

/**
 * Number of the time step in which `now` (milliseconds of the service) falls.
 * @param {Totp} totp
 * @param {number} now
 * @returns {number}
 */
export function otpStep(totp, now) {
  return Math.floor(now / (totp.period * 1000));
}

/**
 * Begin of a time step, in milliseconds of the service.
 * @param {Totp} totp
 * @param {number} step
 * @returns {number}
 */
export function stepBegin(totp, step) {
  return step * totp.period * 1000;
}

/**
 * Code of one time step (RFC 4226 5.3).
 * @param {Totp} totp
 * @param {number} step
 * @returns {Promise<string>}
 */
export async function otpCode(totp, step) {
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(step));
  const mac = new DataView(await crypto.subtle.sign("HMAC", totp.key, counter));
  const at = mac.getUint8(mac.byteLength - 1) & 0xf;
  const number = (mac.getUint32(at) & 0x7fffffff) % 10 ** totp.digits;
  return String(number).padStart(totp.digits, "0");
}

/** @param {string} secret */
function decodeBase32(secret) {
  const bytes = [];
  let [buffer, bits] = [0, 0];
  for (const letter of secret.replace(/=+$/, "")) {
    const value = BASE32.indexOf(letter);
    if (value < 0) {
      throw new Malformed("not base32");
    }
    buffer = ((buffer << 5) | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((buffer >>> bits) & 0xff);
    }
  }
  return new Uint8Array(bytes);
}
