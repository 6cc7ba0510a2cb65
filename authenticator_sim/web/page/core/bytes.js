// Bytes as the protocol writes them: unpadded base64url, UTF-8, SHA-256.

import { Malformed } from "./json.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {(count: number) => Bytes} RandomBytes */

const encoder = new TextEncoder();
const ALPHABET = /^[A-Za-z0-9_-]*$/;

/** @param {string} text @returns {Bytes} */
export function utf8(text) {
  return encoder.encode(text);
}

/** @param {Uint8Array | ArrayBuffer} data @returns {string} */
export function base64url(data) {
  const letters = Array.from(new Uint8Array(data), (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * Decode canonical base64url: no padding, no space, no bits beyond the last byte; raises
 * `Malformed`.
 * @param {string} text
 * @returns {Bytes}
 */
export function decodeBase64url(text) {
  if (!ALPHABET.test(text) || text.length % 4 === 1) {
    throw new Malformed("not base64url");
  }
  const letters = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const data = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
  if (base64url(data) !== text) {
    throw new Malformed("not canonical base64url");
  }
  return data;
}

/** @param {string | Bytes} data @returns {Promise<Bytes>} */
export async function sha256(data) {
  const bytes = typeof data === "string" ? utf8(data) : data;
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/**
 * HMAC-SHA-256 of a text, in base64url.
 * @param {Bytes} key
 * @param {string} message
 * @returns {Promise<string>}
 */
export async function hmacText(key, message) {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return base64url(await crypto.subtle.sign("HMAC", imported, utf8(message)));
}

/** @param {...Uint8Array} parts @returns {Bytes} */
export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
