// Decisions: signed over the hash of the exact challenge, with the factors encrypted inside.

import { base64url, hmacText, sha256 } from "./bytes.js";
import { encrypt } from "./encryption.js";
import { JTI_BYTES } from "./sessions.js";
import { sign } from "./signatures.js";

/**
 * @typedef {import("./identity.js").Means} Means
 * @typedef {import("./challenges.js").VerifiedChallenge} VerifiedChallenge
 */

/**
 * One signed decision; `token` is what goes out, and out again, to the byte. `encryptedTo` names the
 * key of the service that the factors of an approval are for.
 * @typedef {{jti: string, verdict: "approve" | "deny",
 *   reason: import("../model.js").DenialReason | null, token: string,
 *   encryptedTo?: string}} SignedDecision
 */

/**
 * What an approval carries: a proof for each factor of the challenge and no other. `passkey` makes
 * one for a WebAuthn challenge, which may take the user minutes; `otp` is asked for after that, since
 * a code counts for less.
 * @typedef {Object} Factors
 * @property {import("./bytes.js").Bytes | null} pinKey
 * @property {(() => Promise<string>) | null} otp
 * @property {string | null} verificationCode
 * @property {((challenge: import("./bytes.js").Bytes) => Promise<object>) | null} passkey
 */

/** @typedef {Pick<VerifiedChallenge, "transactionId" | "digest">} Decidable what a decision names */

/** @param {Decidable} challenge @param {Means} means */
function newClaims({ transactionId, digest }, { identity, now, randomBytes }) {
  return {
    iss: identity.deviceId,
    aud: identity.issuer,
    jti: base64url(randomBytes(JTI_BYTES)),
    iat: Math.floor(now / 1000),
    transaction_id: transactionId,
    challenge_hash: digest,
  };
}

/** @typedef {ReturnType<typeof newClaims> & {verdict: string}} Claims */

/**
 * Sign an approval.
 * @param {VerifiedChallenge} challenge
 * @param {Factors} factors
 * @param {Means} means
 * @returns {Promise<SignedDecision>}
 */
export async function newApproval(challenge, factors, means) {
  const { identity, randomBytes } = means;
  const claims = { ...newClaims(challenge, means), verdict: "approve" };
  const proofs = {
    jti: claims.jti,
    pin_proof: factors.pinKey === null ? undefined : await pinProof(factors.pinKey, claims),
    passkey: (await factors.passkey?.(await passkeyChallenge(claims))) ?? undefined,
    otp: await factors.otp?.(),
    verification_code: factors.verificationCode ?? undefined,
  };
  const to = { to: identity.recipient, typ: "ciba-factors+jwe", randomBytes };
  const token = await signed({ ...claims, factors: await encrypt(proofs, to) }, identity);
  const encryptedTo = identity.recipient.kid;
  return { jti: claims.jti, verdict: "approve", reason: null, token, encryptedTo };
}

/**
 * Sign a denial; it carries no factors.
 * @param {Decidable} challenge
 * @param {import("../model.js").DenialReason} reason
 * @param {Means} means
 * @returns {Promise<SignedDecision>}
 */
export async function newDenial(challenge, reason, means) {
  const claims = { ...newClaims(challenge, means), verdict: "deny", reason };
  return {
    jti: claims.jti,
    verdict: "deny",
    reason,
    token: await signed(claims, means.identity),
  };
}

/**
 * Which of PIN and passkey an approval carries, when the user offers a passkey or does not.
 * @param {VerifiedChallenge} challenge
 * @param {boolean} isOffered
 * @returns {{pin: boolean, passkey: boolean}}
 */
export function userFactors({ factors, passkeyForPin: replaces }, isOffered) {
  return {
    pin: factors.includes("pin") && !(isOffered && replaces),
    passkey: factors.includes("passkey") || (isOffered && replaces),
  };
}

/**
 * The WebAuthn challenge of a decision: it confirms all that the decision says but its factors.
 * @param {Claims} claims
 * @returns {Promise<import("./bytes.js").Bytes>}
 */
export async function passkeyChallenge(claims) {
  const { iss, aud, jti, iat, transaction_id: transaction, challenge_hash: hash, verdict } = claims;
  const said = ["ciba-decision.v1", iss, aud, jti, iat, transaction, hash, verdict].join("\0");
  return sha256(`ciba-passkey.v1\0${base64url(await sha256(said))}`);
}

/** @param {import("./bytes.js").Bytes} key @param {Claims} claims */
function pinProof(key, { iss, challenge_hash: hash, verdict, jti }) {
  return hmacText(key, ["ciba-pin.v1", iss, hash, verdict, jti].join("\0"));
}

/** @param {object} claims @param {import("./identity.js").Identity} identity */
function signed(claims, { signingKey, deviceId }) {
  return sign(claims, { key: signingKey, typ: "ciba-decision+jwt", kid: deviceId });
}
