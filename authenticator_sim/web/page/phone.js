// The phone as screens see it: one state, the user's acts, and nothing that is seen.

import { approve, deny, oneTimeCode, report } from "./acts/deciding.js";
import { enrol } from "./acts/enrolling.js";
import { accesses, endAccess, makeHandle } from "./acts/names.js";
import { settlePin } from "./acts/ordering.js";
import { addPasskey, passkeys, removePasskey } from "./acts/passkeys.js";
import {
  approveNewcomer,
  changePin,
  devices,
  giveUp,
  invite,
  rejectNewcomer,
  rename,
  revokeDevice,
} from "./acts/phones.js";
import { Device } from "./core/device.js";
import { hasReceipts } from "./core/messages.js";
import { PhoneError } from "./errors.js";
import { RunningPhone } from "./running.js";
import { phoneName } from "./storage/names.js";
import { TabLock } from "./storage/tab-lock.js";
import { Vault } from "./storage/vault.js";
import { EMPTY, stateOf } from "./view.js";

export { PhoneError };

/**
 * @typedef {import("./model.js").State} State
 * @typedef {import("./model.js").Outcome} Outcome
 * @typedef {import("./model.js").Problem["code"]} ProblemCode
 */

/**
 * One phone of one user. Says `change` whenever `state` is another one. Every act raises
 * `PhoneError` and nothing else.
 */
export class Phone extends EventTarget {
  #number;
  #issuer;
  #lock;
  /** @type {State} */
  #state = EMPTY;
  /** @type {Vault | null} */
  #vault = null;
  /** @type {RunningPhone | null} */
  #running = null;
  #shows = 0;
  #isClosed = false;
  #isEnrolling = false;

  /** @param {number} number @param {string} issuer */
  constructor(number, issuer) {
    super();
    this.#number = number;
    this.#issuer = issuer;
    this.#lock = new TabLock(phoneName(number, issuer), () => this.#lost());
  }

  /** The service that it belongs to, or is to belong to. @returns {string} */
  get issuer() {
    return this.#issuer;
  }

  /** Everything there is to show, frozen; another object after each change. @returns {State} */
  get state() {
    return this.#state;
  }

  /**
   * Open the phone of this number and service in this browser and connect it, if it is enrolled.
   *
   * It never fails: what keeps it from working stands in `state.problem`.
   * @param {{number: number, issuer: string}} options `issuer` is its service
   * @returns {Promise<Phone>}
   */
  static async open({ number, issuer }) {
    const phone = new Phone(number, issuer);
    const missing = missingHere();
    if (missing !== null) {
      phone.#fail(missing);
    } else {
      await phone.#start();
    }
    return phone;
  }

  /** Let go of connection, database and lock. @returns {Promise<void>} */
  async close() {
    this.#isClosed = true;
    this.#letGo(new PhoneError("closed"));
    this.#lock.release();
  }

  /** Take this phone back from another tab, or from another copy of it. @returns {Promise<void>} */
  async takeOver() {
    if (this.#state.connection === "elsewhere" && !this.#isClosed) {
      this.#letGo(new PhoneError("elsewhere"));
      await this.#lock.steal();
      await this.#begin();
    }
  }

  /** Connect now rather than at `retryAt`. @returns {void} */
  reconnect() {
    this.#running?.reconnect();
  }

  /**
   * Enrol: make the keys, hand in the code, hide the PIN key behind the PIN.
   * @param {import("./model.js").Enrolment} enrolment
   * @returns {Promise<void>}
   */
  async enrol(enrolment) {
    const vault = this.#vault;
    if (vault === null) {
      throw this.#whyNot();
    }
    if (this.#running !== null) {
      throw new PhoneError("already_enrolled");
    }
    if (this.#isEnrolling) {
      throw new PhoneError("busy");
    }
    this.#isEnrolling = true;
    try {
      const identity = await enrol(vault, { ...enrolment, issuer: this.#issuer }, randomBytes);
      const kept = Device.fresh(identity);
      await vault.keepNew(kept);
      this.#run(vault, kept);
    } finally {
      this.#isEnrolling = false;
    }
    keepForGood();
  }

  /** Say that a request is in front of the user. @param {string} transactionId @returns {void} */
  shown(transactionId) {
    if (hasReceipts(transactionId)) {
      this.#running?.tell({ type: "shown", transaction_id: transactionId });
    }
  }

  /**
   * Approve; resolves when the outcome is known, over as many connections as that takes.
   * @param {string} transactionId
   * @param {import("./model.js").Proofs} proofs
   * @returns {Promise<Outcome>}
   */
  async approve(transactionId, proofs) {
    return approve(this.#inUse(), transactionId, proofs);
  }

  /**
   * Decline, likewise; needs no factor.
   * @param {string} transactionId
   * @param {import("./model.js").DenialReason} reason
   * @returns {Promise<Outcome>}
   */
  async deny(transactionId, reason) {
    return deny(this.#inUse(), transactionId, reason);
  }

  /**
   * Say "not me" of a request that has expired or was cancelled, within ten minutes.
   * @param {string} transactionId
   * @returns {Promise<void>}
   */
  async report(transactionId) {
    await report(this.#inUse(), transactionId);
  }

  /**
   * The one-time code of this moment; raises `no_fresh_code` when it was used in a decision, with
   * `retryAt` for when the next one begins.
   * @returns {Promise<import("./model.js").OneTimeCode>}
   */
  async oneTimeCode() {
    return oneTimeCode(this.#inUse());
  }

  /**
   * A name of the user to be shown to a client, once.
   * @returns {Promise<import("./model.js").LoginHandle>}
   */
  async makeHandle() {
    return makeHandle(this.#inUse());
  }

  /**
   * All phones of the user, the oldest first.
   * @returns {Promise<readonly import("./model.js").Device[]>}
   */
  async devices() {
    return devices(this.#inUse());
  }

  /** Give this phone another name. @param {string} name @returns {Promise<void>} */
  async rename(name) {
    await rename(this.#inUse(), name);
  }

  /** Revoke this very phone; its keys are destroyed here too. @returns {Promise<void>} */
  async giveUp() {
    await giveUp(this.#inUse());
  }

  /**
   * Get a code for a further phone.
   * @param {string} pin
   * @returns {Promise<import("./model.js").Invitation>}
   */
  async invite(pin) {
    return invite(this.#inUse(), pin);
  }

  /** Revoke another phone. @param {string} deviceId @param {string} pin @returns {Promise<void>} */
  async revokeDevice(deviceId, pin) {
    await revokeDevice(this.#inUse(), deviceId, pin);
  }

  /**
   * Approve a phone that waits, if it is the one that shows this code.
   * @param {string} deviceId
   * @param {string} code as it was typed
   * @param {string} pin
   * @returns {Promise<void>}
   */
  async approveNewcomer(deviceId, code, pin) {
    await approveNewcomer(this.#inUse(), { deviceId, code }, pin);
  }

  /**
   * Turn a phone away that waits.
   * @param {string} deviceId
   * @param {import("./model.js").DenialReason} reason
   * @returns {Promise<void>}
   */
  async rejectNewcomer(deviceId, reason) {
    await rejectNewcomer(this.#inUse(), deviceId, reason);
  }

  /** Change the PIN. @param {string} oldPin @param {string} newPin @returns {Promise<void>} */
  async changePin(oldPin, newPin) {
    const running = this.#inUse();
    try {
      await changePin(running, oldPin, newPin);
    } finally {
      void this.#resumePinChange(running);
    }
  }

  /** Every access that lasts. @returns {Promise<readonly import("./model.js").Access[]>} */
  async accesses() {
    return accesses(this.#inUse());
  }

  /** End one. @param {string} transactionId @returns {Promise<void>} */
  async endAccess(transactionId) {
    await endAccess(this.#inUse(), transactionId);
  }

  /** The passkeys of this phone. @returns {Promise<import("./model.js").Passkeys>} */
  async passkeys() {
    return passkeys(this.#inUse());
  }

  /** Make and register a passkey. @param {string} pin @returns {Promise<void>} */
  async addPasskey(pin) {
    await addPasskey(this.#inUse(), pin);
  }

  /** Remove one. @param {string} passkeyId @returns {Promise<void>} */
  async removePasskey(passkeyId) {
    await removePasskey(this.#inUse(), passkeyId);
  }

  /** Take a notice away. @param {number} id @returns {void} */
  dismiss(id) {
    const running = this.#running;
    running?.device.board.dismiss(id);
    running?.keep().catch(() => this.#fail("storage"));
  }

  /** Erase this phone from the browser; the service is not told. @returns {Promise<void>} */
  async forget() {
    if (this.#vault === null) {
      throw this.#whyNot();
    }
    this.#running?.stop(new PhoneError("ended"));
    this.#running = null;
    await this.#vault.erase();
    this.#show({ ...EMPTY, issuer: this.#issuer });
  }

  async #start() {
    try {
      if (await this.#lock.take()) {
        await this.#begin();
      } else {
        this.#becomeElsewhere();
      }
    } catch (error) {
      expectRefusal(error);
      this.#fail("storage");
    }
  }

  async #begin() {
    try {
      const vault = await Vault.open(this.#number, this.#issuer);
      this.#vault = vault;
      const kept = await vault.load();
      const ended = await vault.ended();
      if (kept !== null) {
        this.#run(vault, kept);
      } else {
        this.#show(ended === null ? { ...EMPTY, issuer: this.#issuer } : endedState(ended));
      }
    } catch (error) {
      expectRefusal(error);
      this.#fail("storage");
    }
  }

  /** @param {Vault} vault @param {import("./core/device.js").Kept} kept */
  #run(vault, kept) {
    const owner = {
      changed: () => this.#changed(),
      ended: (/** @type {import("./storage/vault.js").Ended["because"]} */ because) =>
        this.#ended(because),
      online: () => void this.#resumePinChange(running),
    };
    const running = new RunningPhone(new Device(kept, randomBytes), vault, owner, randomBytes);
    this.#running = running;
    running.start();
    this.#changed();
    this.#resumePinChange(running);
  }

  /**
   * Ask for the outcome of a change of the PIN that nobody has heard.
   * @param {RunningPhone} running
   */
  async #resumePinChange(running) {
    if (running.device.identity.pendingPin === null || running.isChangingPin) {
      return;
    }
    running.isChangingPin = true;
    try {
      const counts = (await settlePin(running)) !== null;
      const type = counts ? "pin_changed" : "pin_not_changed";
      running.device.board.tell({ type }, Date.now());
      await running.keep();
    } catch (error) {
      expectRefusal(error); // it is asked again with the next connection, or before a PIN is used
    } finally {
      running.isChangingPin = false;
    }
  }

  async #changed() {
    const running = this.#running;
    this.#shows += 1;
    const shows = this.#shows;
    if (running !== null) {
      const state = await stateOf(running, Date.now());
      if (shows === this.#shows) {
        this.#show(state);
      }
    }
  }

  /** @param {import("./storage/vault.js").Ended["because"]} because */
  async #ended(because) {
    const running = this.#running;
    if (running === null) {
      return;
    }
    const { issuer, subject, name } = running.device.identity;
    this.#running = null;
    const ended = { because, issuer, subject, name };
    this.#show(endedState(ended));
    try {
      await this.#vault?.end(ended);
    } catch (error) {
      expectRefusal(error);
      this.#fail("storage");
    }
  }

  #lost() {
    this.#letGo(new PhoneError("elsewhere"));
    this.#becomeElsewhere();
  }

  /** Wait until the other tab lets go, and go on here. */
  async #becomeElsewhere() {
    this.#show({ ...this.#state, connection: "elsewhere", retryAt: null });
    if (await this.#lock.wait()) {
      await this.#begin();
    }
  }

  /** @param {PhoneError} why */
  #letGo(why) {
    this.#running?.stop(why);
    this.#running = null;
    this.#vault?.close();
    this.#vault = null;
  }

  #inUse() {
    if (this.#running === null) {
      throw this.#whyNot();
    }
    if (this.#running.stopped !== null) {
      throw this.#running.stopped;
    }
    return this.#running;
  }

  #whyNot() {
    const { connection, stage, problem } = this.#state;
    if (this.#isClosed) {
      return new PhoneError("closed");
    }
    if (connection === "elsewhere") {
      return new PhoneError("elsewhere");
    }
    if (problem?.code === "insecure" || problem?.code === "storage") {
      return new PhoneError(problem.code);
    }
    return new PhoneError(stage === "ended" ? "ended" : "not_enrolled");
  }

  /** @param {ProblemCode} code */
  #fail(code) {
    this.#show({ ...this.#state, issuer: this.#issuer, problem: { code } });
  }

  /** @param {State} state */
  #show(state) {
    this.#shows += 1;
    this.#state = Object.freeze(state);
    this.dispatchEvent(new Event("change"));
  }
}

/** What this browser or this page lacks. @returns {ProblemCode | null} */
function missingHere() {
  if (!isSecureContext) {
    return "insecure";
  }
  const has = "locks" in navigator && "subtle" in crypto && "indexedDB" in globalThis;
  return has && "withResolvers" in Promise && "groupBy" in Map ? null : "unsupported";
}

/** @param {import("./storage/vault.js").Ended} ended @returns {State} */
function endedState({ because, issuer, subject, name }) {
  const who = { issuer, subject, deviceName: name };
  return { ...EMPTY, ...who, stage: "ended", endedBecause: because };
}

/** @param {unknown} error */
function expectRefusal(error) {
  if (!(error instanceof PhoneError)) {
    throw error;
  }
}

/** Ask the browser not to throw away what is kept; it may say no, and may ask the user first. */
function keepForGood() {
  navigator.storage?.persist?.().catch(() => false);
}

/** @param {number} count @returns {import("./core/bytes.js").Bytes} */
function randomBytes(count) {
  return crypto.getRandomValues(new Uint8Array(count));
}
