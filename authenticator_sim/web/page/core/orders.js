// Orders: what the user wants done to phones or PIN, signed, with the PIN's proof inside.

import { base64url, hmacText } from "./bytes.js";
import { encrypt } from "./encryption.js";
import { PIN_KEY_BYTES, SALT_BYTES, wrapPinKey } from "./pin.js";
import { JTI_BYTES } from "./sessions.js";
import { sign } from "./signatures.js";

/** @typedef {import("./identity.js").Means} Means */
/** @typedef {import("./bytes.js").Bytes} Bytes */

/**
 * What the user wants done; `deviceId` is the other phone, `key` the thumbprint of its key.
 * @typedef {Object} Wish
 * @property {"revoke_device" | "change_pin" | "approve_device" | "invite_device" | "add_passkey"} action
 * @property {string} [deviceId]
 * @property {string} [key]
 * @property {object} [passkey]
 * @property {Bytes} [newKey]
 */

/**
 * Sign it; `nonce` is that of a fresh `hello`, or the challenge of a passkey.
 * @param {Wish} wish
 * @param {{pinKey: Bytes, nonce: string}} proof
 * @param {Means} means
 * @returns {Promise<{jti: string, token: string}>}
 */
export async function newOrder(wish, { pinKey, nonce }, { identity, now, randomBytes }) {
  const jti = base64url(randomBytes(JTI_BYTES));
  const { action, deviceId, key } = wish;
  const said = ["ciba-pin-order.v1", identity.deviceId, nonce, action, deviceId ?? "", jti];
  const proofs = {
    jti,
    pin_proof: await hmacText(pinKey, said.join("\0")),
    pin_key: wish.newKey && base64url(wish.newKey),
    passkey: wish.passkey,
  };
  const to = { to: identity.recipient, typ: "ciba-order-factors+jwe", randomBytes };
  const claims = {
    iss: identity.deviceId,
    aud: identity.issuer,
    jti,
    iat: Math.floor(now / 1000),
    nonce,
    action,
    factors: await encrypt(proofs, to),
    device_id: deviceId,
    key,
  };
  const by = { key: identity.signingKey, typ: "ciba-order+jwt", kid: identity.deviceId };
  return { jti, token: await sign(claims, by) };
}

/**
 * Order another PIN; its key is kept beside the old one until the service has answered.
 * @param {string} newPin
 * @param {{pinKey: Bytes, nonce: string}} proof
 * @param {Means} means
 * @returns {Promise<import("./identity.js").PendingPin>}
 */
export async function newPinChange(newPin, proof, means) {
  const newKey = means.randomBytes(PIN_KEY_BYTES);
  const { jti, token } = await newOrder({ action: "change_pin", newKey }, proof, means);
  const pinKey = await wrapPinKey(newKey, newPin, means.randomBytes(SALT_BYTES));
  newKey.fill(0);
  return { pinKey, jti, order: token };
}
