// Names of the user for clients, and what clients may do without asking again.

import { PhoneError } from "../errors.js";

/** @typedef {import("../running.js").RunningPhone} RunningPhone */

/**
 * A name of the user to be shown to a client, once.
 * @param {RunningPhone} phone
 * @returns {Promise<import("../model.js").LoginHandle>}
 */
export async function makeHandle(phone) {
  const messages = await phone.ask({ type: "make_handle" });
  const made = messages.find((message) => message.type === "handle_made");
  if (made === undefined) {
    const refused = messages.find((message) => message.type === "handle_refused");
    throw new PhoneError(refused?.reason ?? "unreachable");
  }
  return { handle: made.handle, expiresAt: Date.now() + made.expires_in * 1000 };
}

/**
 * Every access that lasts, the last approved first.
 * @param {RunningPhone} phone
 * @returns {Promise<readonly import("../model.js").Access[]>}
 */
export async function accesses(phone) {
  const messages = await phone.ask({ type: "list_accesses" });
  return messages
    .filter((message) => message.type === "access")
    .map(({ transaction_id: transactionId, client, shares, details, since, until }) => ({
      transactionId,
      client,
      shares,
      details,
      since: since * 1000 - phone.device.offset,
      until: until * 1000 - phone.device.offset,
    }));
}

/** @param {RunningPhone} phone @param {string} transactionId */
export async function endAccess(phone, transactionId) {
  const messages = await phone.ask({ type: "end_access", transaction_id: transactionId });
  if (messages.some((message) => message.type === "access_unknown")) {
    throw new PhoneError("unknown_access");
  }
}
