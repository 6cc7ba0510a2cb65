// What a phone keeps in this browser: keys that cannot be read out, wrapped secrets, unanswered
// decisions, history. The database holds nothing else.

import { deleteDatabase, openDatabase } from "./database.js";
import { formerName, phoneName } from "./names.js";

/** @typedef {import("../core/device.js").Kept} Kept */
/** @typedef {import("../core/enrolment.js").PendingEnrolment} PendingEnrolment */
/** @typedef {{because: "revoked" | "rejected" | "given_up", issuer: string, subject: string,
 *   name: string}} Ended */

const FORMAT = 1;

/**
 * An enrolment without an answer, and the hash of what was typed for it.
 * @typedef {{pending: PendingEnrolment, typed: string}} Interrupted
 */

export class Vault {
  #database;
  /** @type {Partial<Kept>} */
  #saved = {};

  /** @param {import("./database.js").Database} database */
  constructor(database) {
    this.#database = database;
  }

  /**
   * Open the vault of a phone; all here raise `PhoneError` (`storage`). What was kept by the number
   * alone is taken over, if it is of this service.
   * @param {number} number
   * @param {string} issuer
   * @returns {Promise<Vault>}
   */
  static async open(number, issuer) {
    const database = await openDatabase(phoneName(number, issuer));
    await takeOver(database, formerName(number), issuer);
    return new Vault(database);
  }

  /** What is kept of an enrolled phone. @returns {Promise<Kept | null>} */
  async load() {
    const { format, identity, unanswered, over, history, noticed } = await this.#database.readAll();
    if (format !== FORMAT || identity === undefined) {
      return null;
    }
    this.#saved = { identity, unanswered, over, history, noticed };
    return { identity, unanswered, over: over ?? [], history, noticed }; // it was not kept once
  }

  /** How the phone of this number ended. @returns {Promise<Ended | null>} */
  async ended() {
    return (await this.#database.read("ended")) ?? null;
  }

  /** Keep a phone that was just enrolled, in place of all else. @param {Kept} kept */
  async keepNew(kept) {
    await this.#database.replace({ format: FORMAT, ...kept });
    this.#saved = kept;
  }

  /** Keep what has changed. @param {Kept} kept */
  async save(kept) {
    const names = /** @type {(keyof Kept)[]} */ (Object.keys(kept));
    const changed = names.filter((name) => kept[name] !== this.#saved[name]);
    if (changed.length > 0) {
      await this.#database.write(Object.fromEntries(changed.map((name) => [name, kept[name]])));
      this.#saved = kept;
    }
  }

  /**
   * Take a time step for one decision; false when it was used before.
   * @param {number} step
   * @returns {Promise<boolean>}
   */
  reserveOtpStep(step) {
    return this.#database.raise("otp-step", step);
  }

  /** The last time step that was used. @returns {Promise<number>} */
  async lastOtpStep() {
    return (await this.#database.read("otp-step")) ?? -1;
  }

  /** Keep an enrolment until it is answered; null when it never will be. @param {Interrupted | null} interrupted */
  async keepEnrolment(interrupted) {
    await this.#database.write({ enrolment: interrupted });
  }

  /** An enrolment whose answer never came. @returns {Promise<Interrupted | null>} */
  async enrolment() {
    return (await this.#database.read("enrolment")) ?? null;
  }

  /** Destroy all keys and secrets, and remember no more than how the phone ended. @param {Ended} ended */
  async end(ended) {
    await this.#database.replace({ ended });
    this.#saved = {};
  }

  /** Forget everything. */
  async erase() {
    await this.#database.replace({});
    this.#saved = {};
  }

  close() {
    this.#database.close();
  }
}

/**
 * Move what another database has into one that is empty, and delete the other.
 * @param {import("./database.js").Database} database
 * @param {string} name of the other
 * @param {string} issuer whose phone it must be
 */
async function takeOver(database, name, issuer) {
  const known = (await indexedDB.databases?.().catch(() => [])) ?? [];
  if (!known.some((each) => each.name === name)) {
    return;
  }
  const former = await openDatabase(name);
  const kept = await former.readAll();
  former.close();
  if (issuerOf(kept) !== issuer) {
    return;
  }
  if (Object.keys(await database.readAll()).length === 0) {
    await database.replace(kept);
  }
  await deleteDatabase(name);
}

/** @param {Readonly<Record<string, any>>} kept @returns {string | undefined} */
function issuerOf({ identity, ended, enrolment }) {
  return identity?.issuer ?? ended?.issuer ?? enrolment?.pending.issuer;
}
