// New keys, announced under the challenge keys that the phone has pinned.

import { Malformed, parseJsonBytes } from "./json.js";
import { importRecipient, importVerifier } from "./keys.js";
import { integer, listOf, object, orNull, text, texts } from "./shapes.js";
import { NotAuthentic, verifySignature } from "./signatures.js";

const VERSION = 1;
const MOST_KEYS = 16;

const readAnnouncement = object({
  v: integer,
  iss: text,
  iat: integer,
  challenge: listOf(texts),
  encryption: orNull(texts),
});

/**
 * The keys to pin in place of those the phone has; raises `NotAuthentic` or `Malformed` where no
 * pinned key has signed them, or they are older than what is known, or wrong.
 * @param {readonly string[]} announcements
 * @param {import("./identity.js").Identity} identity
 * @returns {Promise<Pick<import("./identity.js").Identity, "challengeKeys" | "recipient" | "keysAnnouncedAt">>}
 */
export async function announcedKeys(announcements, identity) {
  const { v, iss, iat, challenge, ...said } = await verified(announcements, identity.challengeKeys);
  if (v !== VERSION || iss !== identity.issuer || iat < identity.keysAnnouncedAt) {
    throw new Malformed("of another version or issuer, or older than what is known");
  }
  const recipient = said.encryption ?? identity.recipient;
  const all = [...challenge, recipient];
  if (challenge.length < 1 || challenge.length > MOST_KEYS || all.some((jwk) => !jwk.kid)) {
    throw new Malformed("no key, too many, or one without a name");
  }
  await Promise.all([...challenge.map(importVerifier), importRecipient(recipient)]);
  return { challengeKeys: challenge, recipient, keysAnnouncedAt: iat };
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
