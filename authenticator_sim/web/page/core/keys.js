// P-256 keys in WebCrypto: private ones never leave the browser's key store.

import { base64url, decodeBase64url, sha256 } from "./bytes.js";
import { Malformed } from "./json.js";

/** @typedef {Readonly<Record<string, string>>} Jwk */

const CURVE = "P-256";
const COORDINATE_BYTES = 32;

/** Make a signing key that cannot be read out. @returns {Promise<CryptoKeyPair>} */
export function newSigningKey() {
  return crypto.subtle.generateKey({ name: "ECDSA", namedCurve: CURVE }, false, ["sign", "verify"]);
}

/** Make a key to receive under, likewise. @returns {Promise<CryptoKeyPair>} */
export function newEncryptionKey() {
  return crypto.subtle.generateKey({ name: "ECDH", namedCurve: CURVE }, false, ["deriveBits"]);
}

/** @param {CryptoKey} key @returns {Promise<{kty: string, crv: string, x: string, y: string}>} */
export async function publicJwk(key) {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", key);
  return { kty: String(kty), crv: String(crv), x: String(x), y: String(y) };
}

/**
 * Take a public key to verify with; raises `Malformed`.
 * @param {Jwk} jwk
 * @returns {Promise<CryptoKey>}
 */
export function importVerifier(jwk) {
  return importPublic(jwk, { name: "ECDSA", namedCurve: CURVE }, ["verify"]);
}

/**
 * Take a public key to encrypt to; raises `Malformed`.
 * @param {Jwk} jwk
 * @returns {Promise<CryptoKey>}
 */
export function importRecipient(jwk) {
  return importPublic(jwk, { name: "ECDH", namedCurve: CURVE }, []);
}

/**
 * Name of a key by its public half (RFC 7638 3).
 * @param {Jwk} jwk
 * @returns {Promise<string>}
 */
export async function thumbprint({ crv, kty, x, y }) {
  return base64url(await sha256(JSON.stringify({ crv, kty, x, y })));
}

/**
 * @param {Jwk} jwk
 * @param {EcKeyImportParams} algorithm
 * @param {KeyUsage[]} usages
 */
async function importPublic(jwk, algorithm, usages) {
  const { kty, crv, x = "", y = "" } = jwk;
  if (kty !== "EC" || crv !== CURVE || Object.hasOwn(jwk, "d")) {
    throw new Malformed("not a public P-256 key");
  }
  if ([x, y].some((each) => decodeBase64url(each).length !== COORDINATE_BYTES)) {
    throw new Malformed("not a point of P-256");
  }
  try {
    return await crypto.subtle.importKey("jwk", { kty, crv, x, y }, algorithm, true, usages);
  } catch {
    throw new Malformed("not a point of P-256");
  }
}
