// Everything the service may say, on a socket and over HTTPS alike, each with its shape.

import { shownDetail } from "./challenges.js";
import { Malformed, parseJson } from "./json.js";
import {
  anyObject,
  flag,
  integer,
  listOf,
  matching,
  moment,
  object,
  oneOf,
  orElse,
  orNull,
  text,
} from "./shapes.js";

export const SUBPROTOCOL = "ciba-device.v1";
const NAME = matching(/^[A-Za-z0-9_-]{43}$/);
const TRANSACTION_ID = /^[A-Za-z0-9_-]{22}$/;

const aboutDevice = object({ device_id: text, name: text, at: orNull(moment) });
const aboutPasskey = object({
  device_id: text,
  name: text,
  passkey_id: text,
  at: orNull(moment),
});
const refusal = {
  attempts_left: orNull(integer),
  retry_after: orNull(integer),
};
const ACTIONS = oneOf(
  "revoke_device",
  "change_pin",
  "approve_device",
  "invite_device",
  "add_passkey",
);

const SHAPES = {
  hello: object({ issuer: text, nonce: text }),
  welcome: object({ device_id: text, server_time: integer }),
  keys: object({ announcements: listOf(text) }),
  challenge: object({ challenge: text }),
  fetched: object({ open: listOf(text) }),
  withdrawn: object({
    transaction_id: text,
    reason: oneOf("decided", "expired", "cancelled", "failed"),
  }),
  accepted: object({ transaction_id: text, decision: text, verdict: oneOf("approve", "deny") }),
  refused: object({
    transaction_id: text,
    decision: text,
    reason: oneOf("factors", "locked", "paused", "not_open", "invalid_decision", "unavailable"),
    reported: orElse(flag, false),
    ...refusal,
  }),
  device_enrolled: aboutDevice,
  device_revoked: aboutDevice,
  device_rejected: aboutDevice,
  device_waiting: object({ device_id: NAME, name: text, key: NAME, since: moment, until: moment }),
  device_unknown: object({ device_id: text }),
  attempts_warning: object({ device_id: text, name: text, attempts_left: integer, at: moment }),
  device: object({ device_id: text, name: text, enrolled_at: moment, this: flag }),
  devices: object({ enrolled: listOf(text) }),
  device_renamed: object({ device_id: text, name: text }),
  name_refused: object({}),
  handle_made: object({ handle: text, expires_in: integer }),
  handle_refused: object({ reason: oneOf("locked", "disabled") }),
  access: object({
    transaction_id: text,
    client: text,
    shares: listOf(text),
    since: moment,
    until: moment,
    details: orElse(listOf(shownDetail), []),
  }),
  accesses: object({ lasting: listOf(text) }),
  access_ended: object({ transaction_id: text }),
  access_unknown: object({ transaction_id: text }),
  order_done: object({
    order: text,
    action: ACTIONS,
    activation_code: orNull(text),
    expires_in: orNull(integer),
  }),
  order_refused: object({
    order: text,
    reason: oneOf(
      "factors",
      "locked",
      "paused",
      "stale",
      "unknown_device",
      "invalid_passkey",
      "too_many_passkeys",
      "invalid_order",
      "unavailable",
    ),
    ...refusal,
  }),
  passkey_options: object({ options: anyObject }),
  passkey_refused: object({ reason: oneOf("disabled", "too_many") }),
  passkey: object({ passkey_id: text, registered_at: moment, synced: flag, backed_up: flag }),
  passkeys: object({ registered: listOf(text), rp_id: orNull(text) }),
  passkey_added: aboutPasskey,
  passkey_removed: aboutPasskey,
  passkey_unknown: object({ passkey_id: text }),
  wake_up_offered: object({}),
  wake_up_set: object({}),
  wake_up_refused: object({}),
  wake_up_dropped: object({}),
};

/**
 * @template {keyof typeof SHAPES} Type
 * @typedef {{[Name in Type]: {type: Name} & ReturnType<(typeof SHAPES)[Name]>}[Type]} Said
 */
/** @typedef {Said<keyof typeof SHAPES>} ServiceMessage */

const readExchange = object({ messages: listOf(readMessage) });

/**
 * Read a frame of the service; raises `Malformed`.
 * @param {string} frame
 * @returns {ServiceMessage}
 */
export function parseFrame(frame) {
  return readMessage(parseJson(frame));
}

/**
 * Read the answer to a message over HTTPS; raises `Malformed`.
 * @param {string} body
 * @returns {readonly ServiceMessage[]}
 */
export function parseExchange(body) {
  return readExchange(parseJson(body)).messages;
}

/**
 * Whether a transaction has a name that a receipt can hold.
 * @param {string} transactionId
 * @returns {boolean}
 */
export function hasReceipts(transactionId) {
  return TRANSACTION_ID.test(transactionId);
}

/** @param {unknown} value @returns {ServiceMessage} */
function readMessage(value) {
  const type = text(anyObject(value).get("type"));
  if (!Object.hasOwn(SHAPES, type)) {
    throw new Malformed("no message of the service");
  }
  const known = /** @type {keyof typeof SHAPES} */ (type);
  return /** @type {ServiceMessage} */ ({ type: known, ...SHAPES[known](value) });
}
