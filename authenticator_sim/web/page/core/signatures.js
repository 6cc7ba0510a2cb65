// Compact JWS, ES256 and nothing else (RFC 7515, RFC 7518 3.4).

import { base64url, decodeBase64url, utf8 } from "./bytes.js";
import { Malformed, parseJsonBytes } from "./json.js";
import { importVerifier, publicJwk } from "./keys.js";
import { closedObject, oneOf, text } from "./shapes.js";

/** A signature, key or header that is not what the protocol says. */
export class NotAuthentic extends Error {
  name = "NotAuthentic";
}

const LARGEST = 64 * 1024;
const SIGNATURE_BYTES = 64;
const ES256 = { name: "ECDSA", hash: "SHA-256" };

const readHeader = closedObject({ alg: oneOf("ES256"), typ: text, kid: text });

/**
 * Verify by the one key that `kid` names, and return the payload; raises `NotAuthentic`.
 * @param {string} token
 * @param {{keys: readonly import("./keys.js").Jwk[], typ: string}} expected
 * @returns {Promise<import("./bytes.js").Bytes>}
 */
export async function verifySignature(token, { keys, typ }) {
  try {
    const { header, payload, signature, signed } = partsOf(token);
    const candidates = keys.filter((jwk) => jwk.kid === header.kid);
    const [jwk] = candidates;
    if (header.typ !== typ || candidates.length !== 1 || jwk === undefined) {
      throw new Malformed("another type, or an unknown key");
    }
    const key = await importVerifier(jwk);
    if (!(await crypto.subtle.verify(ES256, key, signature, signed))) {
      throw new Malformed("a wrong signature");
    }
    return payload;
  } catch (error) {
    throw error instanceof Malformed ? new NotAuthentic(error.message) : error;
  }
}

/**
 * Sign an object; members that are undefined are left out.
 * @param {object} claims
 * @param {{key: CryptoKey, typ: string, kid: string}} by
 * @returns {Promise<string>}
 */
export function sign(claims, { key, typ, kid }) {
  return compact({ alg: "ES256", typ, kid }, claims, key);
}

/**
 * Sign with the key's public half in the header: proof of possession.
 * @param {object} claims
 * @param {{keys: CryptoKeyPair, typ: string}} by
 * @returns {Promise<string>}
 */
export async function signWithJwk(claims, { keys, typ }) {
  const header = { alg: "ES256", typ, jwk: await publicJwk(keys.publicKey) };
  return compact(header, claims, keys.privateKey);
}

/** @param {object} header @param {object} claims @param {CryptoKey} key */
async function compact(header, claims, key) {
  const parts = [header, claims].map((part) => base64url(utf8(JSON.stringify(part))));
  const signature = await crypto.subtle.sign(ES256, key, utf8(parts.join(".")));
  return [...parts, base64url(signature)].join(".");
}

/** @param {string} token */
function partsOf(token) {
  const parts = token.split(".", 4);
  const [header = "", payload = "", signature = ""] = parts;
  if (token.length > LARGEST || parts.length !== 3) {
    throw new Malformed("no compact JWS");
  }
  const signatureBytes = decodeBase64url(signature);
  if (signatureBytes.length !== SIGNATURE_BYTES) {
    throw new Malformed("a signature of another length");
  }
  return {
    header: readHeader(parseJsonBytes(decodeBase64url(header))),
    payload: decodeBase64url(payload),
    signature: signatureBytes,
    signed: utf8(`${header}.${payload}`),
  };
}
