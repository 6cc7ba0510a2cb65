// Which challenges are open on this phone, and which were shown before.
//
// A challenge is shown once, however often and over however many connections it is sent.

import { ChallengeRefused } from "./challenges.js";

/** @typedef {import("./challenges.js").VerifiedChallenge} VerifiedChallenge */

/**
 * An open challenge and how far the user has got with it.
 * @typedef {Object} Prompt
 * @property {VerifiedChallenge} challenge
 * @property {"open" | "deciding" | "unsure"} step
 * @property {import("../model.js").Refusal | null} refusal
 */

const REMEMBERED = 10_000;
/** More than any service asks one user at a time; what comes beyond is not shown. */
const MOST_OPEN = 200;

export class Prompts {
  /** @type {Map<string, Prompt>} */
  #open = new Map();
  /** @type {Map<string, string | null>} */
  #shown;
  /** @type {Set<string>} */
  #unconfirmed = new Set();

  /** @param {Iterable<string>} decided transactions that were decided before */
  constructor(decided) {
    this.#shown = new Map([...decided].map((name) => [name, null]));
  }

  /** All open ones, the oldest first. @returns {readonly Prompt[]} */
  get open() {
    return [...this.#open.values()];
  }

  /**
   * Take a verified challenge in; true when it is new and has to be shown. Raises
   * `ChallengeRefused` where another one was shown for this transaction: what the user has read is
   * never replaced (PSD2 RTS art. 5).
   * @param {VerifiedChallenge} challenge
   * @returns {boolean}
   */
  add(challenge) {
    const name = challenge.transactionId;
    this.#unconfirmed.delete(name);
    const shown = this.#shown.get(name);
    if (shown === undefined) {
      if (this.#open.size >= MOST_OPEN) {
        return false;
      }
      this.#shown.set(name, challenge.digest);
      this.#open.set(name, { challenge, step: "open", refusal: null });
      this.#forgetOldest();
      return true;
    }
    if (shown !== null && shown !== challenge.digest) {
      throw new ChallengeRefused("replaced");
    }
    return false;
  }

  /** Show one of this phone again, until the service lists it no more. @param {VerifiedChallenge} challenge */
  reopen(challenge) {
    this.#open.set(challenge.transactionId, { challenge, step: "open", refusal: null });
    this.#unconfirmed.add(challenge.transactionId);
  }

  /** @param {string} transactionId @returns {Prompt | undefined} */
  find(transactionId) {
    return this.#open.get(transactionId);
  }

  /**
   * Say how far the user has got with one.
   * @param {string} transactionId
   * @param {Partial<Pick<Prompt, "step" | "refusal">>} changed
   */
  change(transactionId, changed) {
    const prompt = this.#open.get(transactionId);
    if (prompt !== undefined) {
      this.#open.set(transactionId, { ...prompt, ...changed });
    }
  }

  /** Take one off the screen. @param {string} transactionId @returns {Prompt | undefined} */
  close(transactionId) {
    const prompt = this.#open.get(transactionId);
    this.#open.delete(transactionId);
    return prompt;
  }

  /** What is open now has to be confirmed by the service on the new connection. */
  beginConnection() {
    this.#unconfirmed = new Set(this.#open.keys());
  }

  /**
   * What the service has neither sent nor listed on this connection.
   * @param {readonly string[]} stillOpen
   * @returns {readonly string[]}
   */
  unconfirmed(stillOpen) {
    const gone = [...this.#unconfirmed].filter((name) => !stillOpen.includes(name));
    this.#unconfirmed.clear();
    return gone;
  }

  /** What is still on the screen is never forgotten: it could be replaced then. */
  #forgetOldest() {
    if (this.#shown.size <= REMEMBERED) {
      return;
    }
    for (const name of this.#shown.keys()) {
      if (!this.#open.has(name)) {
        this.#shown.delete(name);
        return;
      }
    }
  }
}
