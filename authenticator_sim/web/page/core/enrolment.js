// Enrolment: prove possession of fresh keys, then take in the service's keys and secrets.

import { isProtected } from "./addresses.js";
import { base64url, decodeBase64url } from "./bytes.js";
import { decrypt } from "./encryption.js";
import { Malformed, parseJsonBytes } from "./json.js";
import { importRecipient, newEncryptionKey, newSigningKey, publicJwk, thumbprint } from "./keys.js";
import { importTotp, totpParameters } from "./otp.js";
import { PIN_KEY_BYTES, SALT_BYTES, wrapPinKey } from "./pin.js";
import { JTI_BYTES } from "./sessions.js";
import { listOf, matching, moment, object, orNull, text, texts } from "./shapes.js";
import { signWithJwk } from "./signatures.js";

/** @typedef {import("./bytes.js").RandomBytes} RandomBytes */

const deviceId = matching(/^[!-~]{1,256}$/);

export const enrolmentAnswer = object({
  device_id: deviceId,
  issuer: text,
  subject: text,
  websocket: text,
  messages: text,
  keys: object({ challenge: listOf(texts), encryption: texts }),
  secrets: text,
  approval_until: orNull(moment),
});

const readSecrets = object({ pin_key: text, totp: totpParameters });

/**
 * Keys made and request signed, not answered yet. `body` is sent again, to the byte, when its
 * answer is lost; the encryption key has no use after the answer.
 * @typedef {{issuer: string, name: string, signingKeys: CryptoKeyPair,
 *   encryptionKeys: CryptoKeyPair, body: string}} PendingEnrolment
 */

/**
 * Make the phone's keys and sign the request with them.
 * @param {{issuer: string, activationCode: string, secondSecret?: string, name: string}} who
 * @param {{now: number, randomBytes: RandomBytes}} means
 * @returns {Promise<PendingEnrolment>}
 */
export async function newEnrolment(who, { now, randomBytes }) {
  const [signingKeys, encryptionKeys] = await Promise.all([newSigningKey(), newEncryptionKey()]);
  const claims = {
    aud: who.issuer,
    jti: base64url(randomBytes(JTI_BYTES)),
    iat: Math.floor(now / 1000),
    activation_code: who.activationCode,
    second_secret: who.secondSecret,
    name: who.name,
    encryption_key: await publicJwk(encryptionKeys.publicKey),
  };
  const enrolment = await signWithJwk(claims, { keys: signingKeys, typ: "ciba-enrolment+jwt" });
  const body = JSON.stringify({ enrolment });
  return { issuer: who.issuer, name: who.name, signingKeys, encryptionKeys, body };
}

/**
 * Pin the service's keys and hide the PIN key behind the chosen PIN; raises `Malformed` when the
 * answer names another issuer, an unsafe address, or a key or secret that cannot be used.
 * @param {PendingEnrolment} pending
 * @param {ReturnType<typeof enrolmentAnswer>} answer
 * @param {{pin: string, randomBytes: RandomBytes}} means
 * @returns {Promise<import("./identity.js").Identity>}
 */
export async function completeEnrolment(pending, answer, { pin, randomBytes }) {
  verifyAddresses(pending, answer);
  await verifyKeys([...answer.keys.challenge, answer.keys.encryption]);
  const opened = { key: pending.encryptionKeys.privateKey, typ: "ciba-secrets+jwe" };
  const secrets = readSecrets(parseJsonBytes(await decrypt(answer.secrets, opened)));
  const pinKey = decodeBase64url(secrets.pin_key);
  if (pinKey.length !== PIN_KEY_BYTES) {
    throw new Malformed("a PIN key of another length");
  }
  const wrapped = await wrapPinKey(pinKey, pin, randomBytes(SALT_BYTES));
  pinKey.fill(0);
  return {
    deviceId: answer.device_id,
    issuer: answer.issuer,
    subject: answer.subject,
    name: pending.name,
    websocket: answer.websocket,
    messages: answer.messages,
    signingKey: pending.signingKeys.privateKey,
    thumbprint: await thumbprint(await publicJwk(pending.signingKeys.publicKey)),
    challengeKeys: answer.keys.challenge,
    recipient: answer.keys.encryption,
    keysAnnouncedAt: 0,
    pinKey: wrapped,
    pendingPin: null,
    totp: await importTotp(secrets.totp),
    approvalUntil: answer.approval_until,
    passkeys: [],
    rpId: null,
  };
}

/** @param {PendingEnrolment} pending @param {ReturnType<typeof enrolmentAnswer>} answer */
function verifyAddresses(pending, { issuer, websocket, messages }) {
  if (issuer !== pending.issuer) {
    throw new Malformed("another issuer");
  }
  if (!(isProtected(websocket, "ws") && isProtected(messages, "http"))) {
    throw new Malformed("an address without TLS");
  }
}

/** @param {readonly import("./keys.js").Jwk[]} keys */
async function verifyKeys(keys) {
  if (keys.length < 2 || keys.some((jwk) => !jwk.kid)) {
    throw new Malformed("no challenge key, or a key without a name");
  }
  await Promise.all(keys.map(importRecipient));
}
