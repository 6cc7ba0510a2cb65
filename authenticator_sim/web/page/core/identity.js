// What an enrolled phone holds, as the browser keeps it: types alone.

/**
 * A PIN that was ordered, until the service has said whether it counts. The order holds its key for
 * the service alone, and goes out again to the byte.
 * @typedef {{pinKey: import("./pin.js").WrappedPinKey, jti: string, order: string}} PendingPin
 */

/**
 * One enrolled phone of one user at one service; times are the service's.
 * @typedef {Object} Identity
 * @property {string} deviceId
 * @property {string} issuer
 * @property {string} subject
 * @property {string} name
 * @property {string} websocket
 * @property {string} messages
 * @property {CryptoKey} signingKey
 * @property {string} thumbprint name of the signing key (RFC 7638)
 * @property {readonly import("./keys.js").Jwk[]} challengeKeys the pinned ones
 * @property {import("./keys.js").Jwk} recipient the service's key that factors are encrypted to
 * @property {number} keysAnnouncedAt when the pinned keys changed (seconds), as far as announced
 * @property {import("./pin.js").WrappedPinKey} pinKey
 * @property {PendingPin | null} pendingPin
 * @property {import("./otp.js").Totp} totp
 * @property {number | null} approvalUntil seconds; a number while this phone waits for another
 * @property {readonly string[]} passkeys ids of those registered, as far as the service has said
 * @property {string | null} rpId whom passkeys are for; null where none counts
 */

/**
 * What an act needs besides its own arguments: `now` is this browser's time in milliseconds.
 * @typedef {{identity: Identity, now: number,
 *   randomBytes: import("./bytes.js").RandomBytes}} Means
 */

export {};
