// Compact JWE, ECDH-ES with A256GCM and nothing else (RFC 7516, RFC 7518 4.6 and 5.3).

import { base64url, decodeBase64url, joined, sha256, utf8 } from "./bytes.js";
import { Malformed, parseJsonBytes } from "./json.js";
import { importRecipient, newEncryptionKey, publicJwk } from "./keys.js";
import { closedObject, oneOf, orNull, text } from "./shapes.js";

const LARGEST = 64 * 1024;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BITS = 256;
const ENC = "A256GCM";

const readHeader = closedObject({
  alg: oneOf("ECDH-ES"),
  enc: oneOf(ENC),
  typ: text,
  epk: closedObject({ kty: oneOf("EC"), crv: oneOf("P-256"), x: text, y: text }),
  kid: orNull(text),
});

/**
 * Encrypt an object to a public key, with a fresh ephemeral key.
 * @param {object} plaintext members that are undefined are left out
 * @param {{to: import("./keys.js").Jwk, typ: string, randomBytes: import("./bytes.js").RandomBytes}} how
 * @returns {Promise<string>}
 */
export async function encrypt(plaintext, { to, typ, randomBytes }) {
  const ephemeral = await newEncryptionKey();
  const epk = await publicJwk(ephemeral.publicKey);
  const header = base64url(
    utf8(JSON.stringify({ alg: "ECDH-ES", enc: ENC, typ, kid: to.kid, epk })),
  );
  const key = await contentKey(ephemeral.privateKey, await importRecipient(to), "encrypt");
  const iv = randomBytes(IV_BYTES);
  const how = { name: "AES-GCM", iv, additionalData: utf8(header), tagLength: TAG_BYTES * 8 };
  const sealed = new Uint8Array(
    await crypto.subtle.encrypt(how, key, utf8(JSON.stringify(plaintext))),
  );
  const [body, tag] = [sealed.slice(0, -TAG_BYTES), sealed.slice(-TAG_BYTES)];
  return [header, "", ...[iv, body, tag].map(base64url)].join(".");
}

/**
 * Decrypt what was encrypted to this key; raises `Malformed` unless all is as expected.
 * @param {string} token
 * @param {{key: CryptoKey, typ: string}} expected
 * @returns {Promise<import("./bytes.js").Bytes>}
 */
export async function decrypt(token, { key, typ }) {
  const { header, additionalData, iv, sealed } = partsOf(token);
  if (header.typ !== typ) {
    throw new Malformed("another type");
  }
  const shared = await contentKey(key, await importRecipient(header.epk), "decrypt");
  const how = { name: "AES-GCM", iv, additionalData, tagLength: TAG_BYTES * 8 };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(how, shared, sealed));
  } catch {
    throw new Malformed("cannot be decrypted");
  }
}

/**
 * The one-step key derivation of ECDH-ES (RFC 7518 4.6.2), for up to 256 bits.
 * @param {import("./bytes.js").Bytes} shared
 * @param {{algorithm: string, apu: string, apv: string, bits: number}} party
 * @returns {Promise<import("./bytes.js").Bytes>}
 */
export async function concatKdf(shared, { algorithm, apu, apv, bits }) {
  const named = [algorithm, apu, apv].map((each) => [uint32(utf8(each).length), utf8(each)]);
  const digest = await sha256(joined(uint32(1), shared, ...named.flat(), uint32(bits)));
  return digest.slice(0, bits / 8);
}

/** @param {CryptoKey} own @param {CryptoKey} other @param {"encrypt" | "decrypt"} usage */
async function contentKey(own, other, usage) {
  const agreement = { name: "ECDH", public: other };
  const shared = new Uint8Array(await crypto.subtle.deriveBits(agreement, own, KEY_BITS));
  const raw = await concatKdf(shared, { algorithm: ENC, apu: "", apv: "", bits: KEY_BITS });
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, [usage]);
  shared.fill(0);
  raw.fill(0);
  return key;
}

/** @param {string} token */
function partsOf(token) {
  const parts = token.split(".", 6);
  const [header = "", encryptedKey, iv = "", body = "", tag = ""] = parts;
  if (token.length > LARGEST || parts.length !== 5 || encryptedKey !== "") {
    throw new Malformed("no compact JWE of direct agreement");
  }
  const [ivBytes, tagBytes] = [decodeBase64url(iv), decodeBase64url(tag)];
  if (ivBytes.length !== IV_BYTES || tagBytes.length !== TAG_BYTES) {
    throw new Malformed("an initialisation vector or tag of another length");
  }
  return {
    header: readHeader(parseJsonBytes(decodeBase64url(header))),
    additionalData: utf8(header),
    iv: ivBytes,
    sealed: joined(decodeBase64url(body), tagBytes),
  };
}

/** @param {number} value */
function uint32(value) {
  return new Uint8Array([value >>> 24, value >>> 16, value >>> 8, value]);
}
