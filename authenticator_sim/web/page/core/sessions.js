// Session proofs: the phone signs the service's nonce, over HTTPS also the body.

import { base64url, sha256 } from "./bytes.js";
import { sign } from "./signatures.js";

export const JTI_BYTES = 16;

/**
 * Sign a nonce for the issuer this phone was enrolled with, and nobody else.
 * @param {{nonce: string, body?: string}} what
 * @param {import("./identity.js").Means} means
 * @returns {Promise<string>}
 */
export async function sessionProof({ nonce, body }, { identity, now, randomBytes }) {
  const claims = {
    iss: identity.deviceId,
    aud: identity.issuer,
    nonce,
    jti: base64url(randomBytes(JTI_BYTES)),
    iat: Math.floor(now / 1000),
    body_hash: body === undefined ? undefined : base64url(await sha256(body)),
  };
  const by = { key: identity.signingKey, typ: "ciba-session+jwt", kid: identity.deviceId };
  return sign(claims, by);
}
