// The phone as screens see it: one state, the user's acts, and nothing that is seen.

import { PhoneError } from "./errors.js";

export { PhoneError };

/**
 * @typedef {import("./model.js").State} State
 * @typedef {import("./model.js").Outcome} Outcome
 */

/** @type {State} */
const FRESH = Object.freeze({
  stage: "new",
  endedBecause: null,
  connection: "offline",
  retryAt: null,
  issuer: null,
  subject: null,
  deviceName: null,
  deviceId: null,
  comparisonCode: null,
  waitsUntil: null,
  serviceTimeOffset: 0,
  hasPasskey: false,
  pinChangePending: false,
  requests: Object.freeze([]),
  history: Object.freeze([]),
  newcomers: Object.freeze([]),
  notices: Object.freeze([]),
  locked: false,
  problem: null,
});

/**
 * One phone of one user. Says `change` whenever `state` is another one. Every act raises
 * `PhoneError` and nothing else.
 */
export class Phone extends EventTarget {
  /** @type {State} */
  #state = FRESH;

  /** Everything there is to show, frozen; another object after each change. @returns {State} */
  get state() {
    return this.#state;
  }

  /**
   * Open the phone of this number in this browser and connect it, if it is enrolled.
   *
   * It never fails: what keeps it from working stands in `state.problem`.
   * @param {{number: number, issuer: string}} options `issuer` is where a new one enrols
   * @returns {Promise<Phone>}
   */
  // biome-ignore lint/correctness/noUnusedFunctionParameters: the shape comes first
  static async open({ number, issuer }) {
    return new Phone();
  }

  /** Let go of connection, database and lock. @returns {Promise<void>} */
  async close() {}

  /** Take this phone back from another tab. @returns {Promise<void>} */
  async takeOver() {
    throw new PhoneError("unreachable");
  }

  /** Connect now rather than at `retryAt`. @returns {void} */
  reconnect() {}

  /**
   * Enrol: make the keys, hand in the code, hide the PIN key behind the PIN.
   * @param {import("./model.js").Enrolment} enrolment
   * @returns {Promise<void>}
   */
  async enrol(enrolment) {
    throw new PhoneError("unreachable", { cause: enrolment });
  }

  /** Say that a request is in front of the user. @param {string} transactionId @returns {void} */
  shown(transactionId) {
    void transactionId;
  }

  /**
   * Approve; resolves when the outcome is known, over as many connections as that takes.
   * @param {string} transactionId
   * @param {import("./model.js").Proofs} proofs
   * @returns {Promise<Outcome>}
   */
  async approve(transactionId, proofs) {
    throw new PhoneError("not_open", { cause: [transactionId, proofs] });
  }

  /**
   * Decline, likewise; needs no factor.
   * @param {string} transactionId
   * @param {import("./model.js").DenialReason} reason
   * @returns {Promise<Outcome>}
   */
  async deny(transactionId, reason) {
    throw new PhoneError("not_open", { cause: [transactionId, reason] });
  }

  /**
   * The one-time code of this moment; raises `no_fresh_code` when it was used in a decision, with
   * `retryAt` for when the next one begins.
   * @returns {Promise<import("./model.js").OneTimeCode>}
   */
  async oneTimeCode() {
    throw new PhoneError("not_enrolled");
  }

  /** A name of the user to be shown to a client, once. @returns {Promise<import("./model.js").LoginHandle>} */
  async makeHandle() {
    throw new PhoneError("not_enrolled");
  }

  /** All phones of the user, the oldest first. @returns {Promise<readonly import("./model.js").Device[]>} */
  async devices() {
    throw new PhoneError("not_enrolled");
  }

  /** Give this phone another name. @param {string} name @returns {Promise<void>} */
  async rename(name) {
    throw new PhoneError("not_enrolled", { cause: name });
  }

  /** Revoke this very phone; its keys are destroyed here too. @returns {Promise<void>} */
  async giveUp() {
    throw new PhoneError("not_enrolled");
  }

  /** Get a code for a further phone. @param {string} pin @returns {Promise<import("./model.js").Invitation>} */
  async invite(pin) {
    throw new PhoneError("not_enrolled", { cause: pin });
  }

  /** Revoke another phone. @param {string} deviceId @param {string} pin @returns {Promise<void>} */
  async revokeDevice(deviceId, pin) {
    throw new PhoneError("not_enrolled", { cause: [deviceId, pin] });
  }

  /** Approve the phone that shows this code. @param {string} code @param {string} pin @returns {Promise<void>} */
  async approveNewcomer(code, pin) {
    throw new PhoneError("no_such_newcomer", { cause: [code, pin] });
  }

  /**
   * Turn a phone away that waits.
   * @param {string} deviceId
   * @param {import("./model.js").DenialReason} reason
   * @returns {Promise<void>}
   */
  async rejectNewcomer(deviceId, reason) {
    throw new PhoneError("unknown_device", { cause: [deviceId, reason] });
  }

  /** Change the PIN. @param {string} oldPin @param {string} newPin @returns {Promise<void>} */
  async changePin(oldPin, newPin) {
    throw new PhoneError("not_enrolled", { cause: [oldPin, newPin] });
  }

  /** Every access that lasts. @returns {Promise<readonly import("./model.js").Access[]>} */
  async accesses() {
    throw new PhoneError("not_enrolled");
  }

  /** End one. @param {string} transactionId @returns {Promise<void>} */
  async endAccess(transactionId) {
    throw new PhoneError("unknown_access", { cause: transactionId });
  }

  /** The passkeys of this phone. @returns {Promise<import("./model.js").Passkeys>} */
  async passkeys() {
    throw new PhoneError("not_enrolled");
  }

  /** Make and register a passkey. @param {string} pin @returns {Promise<void>} */
  async addPasskey(pin) {
    throw new PhoneError("passkeys_disabled", { cause: pin });
  }

  /** Remove one. @param {string} passkeyId @returns {Promise<void>} */
  async removePasskey(passkeyId) {
    throw new PhoneError("unknown_passkey", { cause: passkeyId });
  }

  /** Take a notice away. @param {number} id @returns {void} */
  dismiss(id) {
    void id;
  }

  /** Erase this phone from the browser; the service is not told. @returns {Promise<void>} */
  async forget() {}
}
