// Logos of clients: what a challenge was signed for, and nothing else, is shown.

import { boundedBody } from "../connection/bounded.js";

const LARGEST_LOGO = 64 * 1024;
const TIMEOUT_MS = 10_000;

/** Fetches each logo once, and shows it only if its hash is the one that was signed. */
export class Logos {
  /** @type {Map<string, Promise<string | null>>} */
  #found = new Map();
  /** @type {string} */
  #issuer;

  /** @param {string} issuer */
  constructor(issuer) {
    this.#issuer = issuer;
  }

  /**
   * Where a logo can be shown from, or null where there is none to trust.
   *
   * @param {string} hash base64url of SHA-256, as signed
   * @returns {Promise<string | null>}
   */
  find(hash) {
    let address = this.#found.get(hash);
    if (address === undefined) {
      address = fetched(`${this.#issuer}/device/logos/${encodeURIComponent(hash)}`, hash);
      this.#found.set(hash, address);
    }
    return address;
  }
}

/**
 * @param {string} address
 * @param {string} hash
 * @returns {Promise<string | null>}
 */
async function fetched(address, hash) {
  try {
    const answer = await fetch(address, {
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const content = await boundedBody(answer, LARGEST_LOGO);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
    const same = answer.ok && base64url(digest) === hash;
    return same ? URL.createObjectURL(new Blob([content], { type: "image/png" })) : null;
  } catch {
    return null;
  }
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
