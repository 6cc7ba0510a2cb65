// New challenge keys, announced under those that the phone has pinned.

import { Malformed, parseJsonBytes } from "./json.js";
import { importVerifier } from "./keys.js";
import { integer, listOf, object, text, texts } from "./shapes.js";
import { NotAuthentic, verifySignature } from "./signatures.js";

const VERSION = 1;
const MOST_KEYS = 16;

const readAnnouncement = object({ v: integer, iss: text, iat: integer, challenge: listOf(texts) });

/**
 * The keys to pin in place of those the phone has; raises `NotAuthentic` or `Malformed` where no
 * pinned key has signed them, or they are older than what is known, or wrong.
 * @param {readonly string[]} announcements
 * @param {import("./identity.js").Identity} identity
 * @returns {Promise<Pick<import("./identity.js").Identity, "challengeKeys" | "keysAnnouncedAt">>}
 */
export async function announcedKeys(announcements, identity) {
  const { v, iss, iat, challenge } = await verified(announcements, identity.challengeKeys);
  if (v !== VERSION || iss !== identity.issuer || iat < identity.keysAnnouncedAt) {
    throw new Malformed("of another version or issuer, or older than what is known");
  }
  if (challenge.length < 1 || challenge.length > MOST_KEYS || challenge.some((jwk) => !jwk.kid)) {
    throw new Malformed("no key, too many, or one without a name");
  }
  await Promise.all(challenge.map(importVerifier));
  return { challengeKeys: challenge, keysAnnouncedAt: iat };
}

/**
 * @param {readonly string[]} announcements
 * @param {readonly import("./keys.js").Jwk[]} keys
 */
async function verified(announcements, keys) {
  for (const token of announcements.slice(0, MOST_KEYS)) {
    try {
      const payload = await verifySignature(token, { keys, typ: "ciba-keys+jws" });
      return readAnnouncement(parseJsonBytes(payload));
    } catch (error) {
      if (!(error instanceof NotAuthentic || error instanceof Malformed)) {
        throw error;
      }
    }
  }
  throw new NotAuthentic("no pinned key has signed it");
}
