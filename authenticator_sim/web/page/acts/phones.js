// The user's word about phones: this one and others, and about its PIN.

import { comparisonCode } from "../core/comparison.js";
import { newPinChange } from "../core/orders.js";
import { flawOfChosenPin } from "../core/pin.js";
import { isName } from "../core/plain-text.js";
import { PhoneError } from "../errors.js";
import { kept } from "./keeping.js";
import { give, nonceFor, order, unwrappedPinKey } from "./ordering.js";

/** @typedef {import("../running.js").RunningPhone} RunningPhone */

/**
 * All phones of the user, the oldest first.
 * @param {RunningPhone} phone
 * @returns {Promise<readonly import("../model.js").Device[]>}
 */
export async function devices(phone) {
  const messages = await phone.ask({ type: "list_devices" });
  return messages
    .filter((message) => message.type === "device")
    .map((message) => ({
      deviceId: message.device_id,
      name: message.name,
      enrolledAt: message.enrolled_at * 1000 - phone.device.offset,
      isThis: message.this,
    }));
}

/** @param {RunningPhone} phone @param {string} name */
export async function rename(phone, name) {
  if (!isName(name)) {
    throw new PhoneError("invalid_name");
  }
  const messages = await phone.ask({ type: "rename_device", name });
  if (messages.some((message) => message.type === "name_refused")) {
    throw new PhoneError("invalid_name");
  }
}

/** @param {RunningPhone} phone */
export async function giveUp(phone) {
  phone.isLeaving = true;
  try {
    await phone.ask({ type: "give_up" });
  } catch (error) {
    // An answer that was lost: what was asked for is done.
    if (!(error instanceof PhoneError && error.code === "ended")) {
      phone.isLeaving = false;
      throw error;
    }
  }
}

/**
 * @param {RunningPhone} phone
 * @param {string} pin
 * @returns {Promise<import("../model.js").Invitation>}
 */
export async function invite(phone, pin) {
  const done = await order(phone, { action: "invite_device" }, pin);
  const activationCode = done.activation_code;
  if (activationCode === null) {
    throw new PhoneError("refused");
  }
  // Behind the number sign, so that no server and no log ever sees it.
  const link = `${phone.device.identity.issuer}/device/enrolments#${activationCode}`;
  return { activationCode, link, expiresAt: Date.now() + (done.expires_in ?? 0) * 1000 };
}

/** @param {RunningPhone} phone @param {string} deviceId @param {string} pin */
export async function revokeDevice(phone, deviceId, pin) {
  await order(phone, { action: "revoke_device", deviceId }, pin);
}

/**
 * Approve a phone that waits, if it and no other shows this code: nobody lets in one by the code of
 * another.
 * @param {RunningPhone} phone
 * @param {{deviceId: string, code: string}} newcomer
 * @param {string} pin
 */
export async function approveNewcomer(phone, { deviceId, code }, pin) {
  const typed = code.replaceAll(/\s/g, "");
  const now = (Date.now() + phone.device.offset) / 1000;
  const waiting = phone.device.others.newcomers.filter((each) => each.until > now);
  const codes = await Promise.all(waiting.map((each) => comparisonCode(each.deviceId, each.key)));
  const [found, ...others] = waiting.filter((_, at) => codes[at] === typed);
  if (found?.deviceId !== deviceId || others.length > 0) {
    throw new PhoneError("no_such_newcomer");
  }
  await order(phone, { action: "approve_device", deviceId, key: found.key }, pin);
}

/**
 * @param {RunningPhone} phone
 * @param {string} deviceId
 * @param {import("../model.js").DenialReason} reason
 */
export async function rejectNewcomer(phone, deviceId, reason) {
  const messages = await phone.ask({ type: "reject_device", device_id: deviceId, reason });
  if (messages.some((message) => message.type === "device_unknown")) {
    throw new PhoneError("unknown_device");
  }
}

/**
 * Change the PIN: its key is kept beside the old one before the order goes out, and until it is
 * known which of the two counts.
 * @param {RunningPhone} phone
 * @param {string} oldPin
 * @param {string} newPin
 */
export async function changePin(phone, oldPin, newPin) {
  const flaw = flawOfChosenPin(newPin);
  if (flaw !== null) {
    throw new PhoneError(flaw);
  }
  if (phone.isChangingPin) {
    throw new PhoneError("busy"); // there is room for one new key beside the old one
  }
  phone.isChangingPin = true;
  try {
    await orderPin(phone, oldPin, newPin);
  } finally {
    phone.isChangingPin = false;
  }
}

/** @param {RunningPhone} phone @param {string} oldPin @param {string} newPin */
async function orderPin(phone, oldPin, newPin) {
  const pinKey = await unwrappedPinKey(phone, oldPin);
  const pending = await newPinChange(
    newPin,
    { pinKey, nonce: await nonceFor(phone) },
    phone.means(),
  );
  pinKey.fill(0);
  phone.device.changeIdentity({ pendingPin: pending });
  await kept(phone, () => phone.device.changeIdentity({ pendingPin: null }));
  await give(phone, pending.jti, pending.order);
}
