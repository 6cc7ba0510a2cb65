// Requests and this phone's decisions about them, until their outcome is known.

import { Prompts } from "./prompts.js";

/**
 * @typedef {import("./challenges.js").VerifiedChallenge} VerifiedChallenge
 * @typedef {import("../model.js").Outcome} Outcome
 * @typedef {import("../model.js").WithdrawalReason} WithdrawalReason
 */

/** @typedef {import("./decisions.js").SignedDecision & {challenge: VerifiedChallenge}} Unanswered */

/**
 * A decision that the service accepted.
 * @typedef {Object} Past
 * @property {string} transactionId
 * @property {"approved" | "denied"} verdict
 * @property {import("../model.js").DenialReason | null} reason
 * @property {number} decidedAt
 * @property {VerifiedChallenge["display"]} display
 * @property {"en" | "de"} locale
 */

/**
 * What "not me" is signed of when a request is over without the user's word.
 * @typedef {Pick<VerifiedChallenge, "transactionId" | "digest" | "exp">} Over
 */

/** Seconds after the expiry of a challenge during which a resent decision is still answered. */
const OUTCOME_WINDOW = 600;
const HISTORY_LENGTH = 50;
/** As many as there are notices to say it at. */
const MOST_OVER = 50;

export class Requests {
  #prompts;
  #unanswered;
  #history;
  #board;
  /** What the service has said of requests that are answered, and not yet of the answer.
   *  @type {Map<string, WithdrawalReason>} */
  #withdrawn = new Map();
  /** @type {Map<string, Outcome>} */
  #outcomes = new Map();
  #over;
  /** Approvals that the service could not open, and that may be made anew with another key.
   *  @type {Map<string, Unanswered>} */
  #unopened = new Map();

  /**
   * @param {{unanswered: readonly Unanswered[], over: readonly Over[],
   *   history: readonly Past[]}} kept
   * @param {import("./noticeboard.js").Noticeboard} board
   */
  constructor({ unanswered, over, history }, board) {
    this.#unanswered = unanswered;
    this.#over = over;
    this.#history = history;
    this.#board = board;
    this.#prompts = new Prompts(history.map((past) => past.transactionId));
    for (const { challenge } of unanswered) {
      this.#prompts.add(challenge);
      this.step(challenge.transactionId, "unsure");
    }
  }

  /** All that are to be shown, the oldest first. */
  get open() {
    return this.#prompts.open;
  }

  /** Decisions without an outcome. */
  get unanswered() {
    return this.#unanswered;
  }

  /** Those that ended without the user's word, for as long as the service heeds a late one. */
  get over() {
    return this.#over;
  }

  /** The last decisions that count, the newest first. */
  get history() {
    return this.#history;
  }

  /** The outcomes since this was asked last. @returns {ReadonlyMap<string, Outcome>} */
  takeOutcomes() {
    const outcomes = this.#outcomes;
    this.#outcomes = new Map();
    return outcomes;
  }

  beginConnection() {
    this.#prompts.beginConnection();
  }

  /**
   * Take a verified challenge in; true when it is new. Raises `ChallengeRefused`.
   * @param {VerifiedChallenge} challenge
   */
  add(challenge) {
    return this.#prompts.add(challenge);
  }

  /**
   * The challenge of an open request that is not answered yet, and not expired.
   * @param {string} name
   * @param {number} serviceNow
   * @returns {VerifiedChallenge | null}
   */
  decidable(name, serviceNow) {
    const prompt = this.#prompts.find(name);
    const isOpen = prompt !== undefined && serviceNow < prompt.challenge.exp * 1000;
    return isOpen && this.answer(name) === undefined ? prompt.challenge : null;
  }

  /**
   * A request that was over a moment before the user could say "not me".
   * @param {string} name
   * @param {number} serviceNow
   * @returns {Over | null}
   */
  reportable(name, serviceNow) {
    const over = this.#over.find(({ transactionId }) => transactionId === name);
    return over !== undefined && isHeeded(over, serviceNow) ? over : null;
  }

  /** The user has reported it. @param {string} name */
  reported(name) {
    this.#over = this.#over.filter(({ transactionId }) => transactionId !== name);
  }

  /** Say how far the user has got. @param {string} name @param {"open" | "deciding" | "unsure"} step */
  step(name, step) {
    this.#prompts.change(name, { step });
  }

  /**
   * Keep a decision until its outcome is known.
   * @param {VerifiedChallenge} challenge
   * @param {import("./decisions.js").SignedDecision} decision
   */
  submit(challenge, decision) {
    this.#unanswered = [...this.#unanswered, { ...decision, challenge }];
    this.#prompts.change(challenge.transactionId, { refusal: null });
  }

  /** Take a decision back that was not sent. @param {string} name */
  retract(name) {
    this.#drop(name);
  }

  /** The decision of a request whose outcome is not known. @param {string} name */
  answer(name) {
    return this.#unanswered.find(({ challenge }) => challenge.transactionId === name);
  }

  /** Send no decision again; those that came through may have counted. @param {number} now */
  forgetUnanswered(now) {
    for (const { challenge } of this.#unanswered) {
      this.#void(challenge, "unknown", { outcome: "unknown" }, now);
    }
  }

  /**
   * Take off what has expired, and give up waiting for what cannot come any more.
   * @param {number} serviceNow
   * @param {number} now
   */
  expire(serviceNow, now) {
    for (const { challenge } of this.#prompts.open) {
      if (serviceNow >= challenge.exp * 1000 && !this.answer(challenge.transactionId)) {
        this.withdraw(challenge.transactionId, "expired", now);
      }
    }
    for (const { challenge } of this.#unanswered) {
      if (!isHeeded(challenge, serviceNow)) {
        this.#void(challenge, "unknown", { outcome: "unknown" }, now);
      }
    }
    if (!this.#over.every((over) => isHeeded(over, serviceNow))) {
      this.#over = this.#over.filter((over) => isHeeded(over, serviceNow));
    }
  }

  /** When `expire` will have something to do, in milliseconds of the service. */
  endings() {
    const kept = [...this.#unanswered.map(({ challenge }) => challenge), ...this.#over];
    const waiting = kept.map((challenge) => challenge.exp + OUTCOME_WINDOW);
    const open = this.#prompts.open.filter(
      ({ challenge }) => !this.answer(challenge.transactionId),
    );
    return [...open.map(({ challenge }) => challenge.exp), ...waiting].map((exp) => exp * 1000);
  }

  /**
   * Take off what the service neither sent nor listed on this connection.
   * @param {readonly string[]} stillOpen
   * @param {number} now
   */
  closeUnconfirmed(stillOpen, now) {
    for (const name of this.#unopened.keys()) {
      if (!stillOpen.includes(name)) {
        this.#unopened.delete(name);
      }
    }
    for (const name of this.#prompts.unconfirmed(stillOpen)) {
      this.withdraw(name, "gone", now);
    }
  }

  /**
   * A request that needs no answer any more, unless one is on its way: then that is answered first.
   * @param {string} name
   * @param {WithdrawalReason} reason
   * @param {number} now
   */
  withdraw(name, reason, now) {
    this.#unopened.delete(name);
    if (this.answer(name) !== undefined) {
      this.#withdrawn.set(name, reason);
      return;
    }
    const prompt = this.#prompts.close(name);
    if (prompt !== undefined) {
      this.#outcomes.set(name, withdrawal(reason));
      if (reason === "expired" || reason === "cancelled") {
        const { digest, exp } = prompt.challenge;
        this.#over = [{ transactionId: name, digest, exp }, ...this.#over].slice(0, MOST_OVER);
      }
      const { client } = prompt.challenge.display;
      this.#board.tell({ type: "request_withdrawn", transactionId: name, client, reason }, now);
    }
  }

  /**
   * The service took a decision; true where it is one of this phone's that had no outcome.
   * @param {Unanswered} decision
   * @param {number} now
   */
  accept({ challenge, verdict, reason }, now) {
    const { transactionId, display, locale } = challenge;
    const outcome = verdict === "approve" ? "approved" : "denied";
    /** @type {Past} */
    const past = { transactionId, verdict: outcome, reason, decidedAt: now, display, locale };
    this.#history = [past, ...this.#history].slice(0, HISTORY_LENGTH);
    this.#settle(transactionId, { outcome });
  }

  /**
   * The service did not take a decision; after wrong factors and during a pause the request stays.
   * @param {Unanswered} decision
   * @param {import("../model.js").Refusal} refusal
   * @param {number} now
   */
  refuse(decision, refusal, now) {
    const { challenge } = decision;
    const name = challenge.transactionId;
    const withdrawn = this.#withdrawn.get(name);
    const { reason } = refusal;
    const refused = /** @type {const} */ ({ outcome: "refused", ...refusal });
    if (reason === "factors" || reason === "paused") {
      this.#drop(name);
      this.#prompts.change(name, { step: "open", refusal });
      if (withdrawn !== undefined) {
        this.withdraw(name, withdrawn, now);
      }
      this.#outcomes.set(name, refused);
    } else if (reason === "not_open" && withdrawn !== undefined && withdrawn !== "gone") {
      this.#drop(name);
      this.withdraw(name, withdrawn, now);
    } else {
      this.#void(challenge, reason, refused, now);
    }
    if (reason === "invalid_decision" && decision.encryptedTo !== undefined) {
      this.#unopened.set(name, decision);
    }
  }

  /**
   * Show again whatever could not be approved, now that factors are encrypted to another key.
   * @param {string} kid
   * @param {number} serviceNow
   */
  reopen(kid, serviceNow) {
    for (const [name, { challenge, encryptedTo }] of this.#unopened) {
      if (encryptedTo !== kid) {
        this.#unopened.delete(name);
        if (serviceNow < challenge.exp * 1000) {
          this.#prompts.reopen(challenge);
        }
      }
    }
  }

  /**
   * An answer that does not count, or of which that is not known: the user is told, who may have
   * stopped looking at the request.
   * @param {VerifiedChallenge} challenge
   * @param {import("../model.js").VoidReason} reason
   * @param {Outcome} outcome
   * @param {number} now
   */
  #void({ transactionId, display: { client } }, reason, outcome, now) {
    this.#board.tell({ type: "answer_void", transactionId, client, reason }, now);
    this.#settle(transactionId, outcome);
  }

  /** @param {string} name @param {Outcome} outcome */
  #settle(name, outcome) {
    this.#drop(name);
    this.#prompts.close(name);
    this.#outcomes.set(name, outcome);
  }

  /** @param {string} name */
  #drop(name) {
    this.#unanswered = this.#unanswered.filter(({ challenge }) => challenge.transactionId !== name);
    this.#withdrawn.delete(name);
  }
}

/** Whether the service still says something of it. @param {{exp: number}} request @param {number} serviceNow */
function isHeeded({ exp }, serviceNow) {
  return serviceNow < (exp + OUTCOME_WINDOW) * 1000;
}

/** @param {WithdrawalReason} reason @returns {Outcome} */
function withdrawal(reason) {
  return reason === "expired" ? { outcome: reason } : { outcome: "withdrawn", reason };
}
