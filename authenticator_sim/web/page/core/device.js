// The phone without input or output: service messages in, phone messages and outcomes out.
//
// A decision stays with the phone until its outcome is known, and is sent again to the byte on
// every new connection. Everything in `kept` outlives the page.

import { announcedKeys } from "./announcements.js";
import { ChallengeRefused, verifyChallenge } from "./challenges.js";
import { Malformed } from "./json.js";
import { hasReceipts } from "./messages.js";
import { NOTHING_NOTICED, withNotice, withNoticeOnce, withoutNotice } from "./notices.js";
import { Prompts } from "./prompts.js";
import { sessionProof } from "./sessions.js";
import { NotAuthentic } from "./signatures.js";

/**
 * @typedef {import("./identity.js").Identity} Identity
 * @typedef {import("./messages.js").ServiceMessage} ServiceMessage
 * @typedef {import("./notices.js").Noticed} Noticed
 * @typedef {import("../model.js").Outcome} Outcome
 */

/** @typedef {import("./decisions.js").SignedDecision & {
 *   challenge: import("./challenges.js").VerifiedChallenge}} Unanswered */

/** @typedef {Readonly<{identity: Identity, unanswered: readonly Unanswered[],
 *   history: readonly Past[], noticed: Noticed}>} Kept */

/** @typedef {{transactionId: string, verdict: "approved" | "denied", decidedAt: number,
 *   reason: import("../model.js").DenialReason | null, locale: "en" | "de",
 *   display: import("./challenges.js").Content["display"]}} Past */

/**
 * What follows from a message: what to answer, and which decisions have an outcome.
 * @typedef {{replies: readonly object[], outcomes: ReadonlyMap<string, Outcome>}} Reaction
 */

/** The other side is not this phone's service, or broke the protocol. */
export class Untrusted extends Error {
  name = "Untrusted";
}

/** Seconds after the expiry of a challenge during which a resent decision is still answered. */
const OUTCOME_WINDOW = 600;
const HISTORY_LENGTH = 50;
const JUST_NOW_MS = 60_000;

export class Device {
  /** @type {Kept} */
  #kept;
  #prompts;
  #randomBytes;
  #offset = 0;
  #greeted = false;
  #locked = false;
  /** @type {"given_up" | null} */
  #ended = null;
  /** @type {Map<string, import("../model.js").WithdrawalReason>} */
  #withdrawn = new Map();
  /** @type {Map<string, Newcomer>} */
  #newcomers = new Map();
  /** @type {Set<string>} */
  #unconfirmedNewcomers = new Set();
  /** @type {Map<string, Outcome>} */
  #outcomes = new Map();

  /**
   * Begin with what was kept; challenges that were decided before are not shown again.
   * @param {Kept} kept
   * @param {import("./bytes.js").RandomBytes} randomBytes
   */
  constructor(kept, randomBytes) {
    this.#kept = kept;
    this.#randomBytes = randomBytes;
    this.#prompts = new Prompts(kept.history.map((past) => past.transactionId));
    for (const { challenge } of kept.unanswered) {
      this.#prompts.add(challenge);
      this.#prompts.change(challenge.transactionId, { step: "unsure" });
    }
  }

  /** @param {Identity} identity @returns {Kept} what a phone that was just enrolled keeps */
  static fresh(identity) {
    return { identity, unanswered: [], history: [], noticed: NOTHING_NOTICED };
  }

  get kept() {
    return this.#kept;
  }

  get identity() {
    return this.#kept.identity;
  }

  get prompts() {
    return this.#prompts.open;
  }

  /** Phones that wait, whether their time is over or not. @returns {readonly Newcomer[]} */
  get newcomers() {
    return [...this.#newcomers.values()];
  }

  get locked() {
    return this.#locked;
  }

  /** Whether the service has confirmed that this phone gave itself up. */
  get ended() {
    return this.#ended;
  }

  /** What to add to this browser's time for the service's, by its own word (`welcome`). */
  get offset() {
    return this.#offset;
  }

  /** What an act is made with at `now`. @param {number} now @returns {import("./identity.js").Means} */
  means(now) {
    return { identity: this.identity, now, randomBytes: this.#randomBytes };
  }

  /** Forget what belonged to the last connection; call before the first message of a new one. */
  beginConnection() {
    this.#greeted = false;
    this.#prompts.beginConnection();
    this.#unconfirmedNewcomers = new Set(this.#newcomers.keys());
  }

  /**
   * Take in one message; raises `Untrusted`.
   * @param {ServiceMessage} message
   * @param {number} now
   * @returns {Promise<Reaction>}
   */
  async receive(message, now) {
    this.#outcomes = new Map();
    const replies = await this.#react(message, now);
    return { replies, outcomes: this.#outcomes };
  }

  /**
   * Take off what has expired by the service's clock.
   * @param {number} now
   * @returns {ReadonlyMap<string, Outcome>}
   */
  expire(now) {
    this.#outcomes = new Map();
    const serviceNow = now + this.#offset;
    for (const { challenge } of this.#prompts.open) {
      const name = challenge.transactionId;
      if (serviceNow >= challenge.exp * 1000 && !this.unanswered(name)) {
        this.#withdraw(name, "expired", now);
      }
    }
    for (const { challenge } of this.#kept.unanswered) {
      if (serviceNow >= (challenge.exp + OUTCOME_WINDOW) * 1000) {
        this.#settle(challenge.transactionId, { outcome: "expired" });
      }
    }
    return this.#outcomes;
  }

  /**
   * When something will be over that is not yet, in this browser's milliseconds: an open request, a
   * decision that is waited for, a phone that waits.
   * @param {number} now
   * @returns {readonly number[]}
   */
  endings(now) {
    const open = this.#prompts.open.filter(
      ({ challenge }) => !this.unanswered(challenge.transactionId),
    );
    const until = [...this.#newcomers.values()].map((each) => each.until * 1000 - this.#offset);
    return [
      ...open.map(({ challenge }) => challenge.exp * 1000 - this.#offset),
      ...this.#kept.unanswered.map(
        ({ challenge }) => (challenge.exp + OUTCOME_WINDOW) * 1000 - this.#offset,
      ),
      ...until.filter((each) => each > now),
    ];
  }

  /**
   * The challenge of an open request that is not answered yet, and not expired.
   * @param {string} transactionId
   * @param {number} now
   * @returns {import("./challenges.js").VerifiedChallenge | null}
   */
  decidable(transactionId, now) {
    const prompt = this.#prompts.find(transactionId);
    const isOpen = prompt !== undefined && now + this.#offset < prompt.challenge.exp * 1000;
    return isOpen && !this.unanswered(transactionId) ? prompt.challenge : null;
  }

  /**
   * Say how far the user has got with a request.
   * @param {string} transactionId
   * @param {"open" | "deciding" | "unsure"} step
   */
  step(transactionId, step) {
    this.#prompts.change(transactionId, { step });
  }

  /**
   * Keep a decision until its outcome is known.
   * @param {import("./challenges.js").VerifiedChallenge} challenge
   * @param {import("./decisions.js").SignedDecision} decision
   */
  submit(challenge, decision) {
    const unanswered = [...this.#kept.unanswered, { ...decision, challenge }];
    this.#kept = { ...this.#kept, unanswered };
    this.#prompts.change(challenge.transactionId, { refusal: null });
  }

  /** The decision of a request whose outcome is not known. @param {string} transactionId */
  unanswered(transactionId) {
    return this.#kept.unanswered.find((each) => each.challenge.transactionId === transactionId);
  }

  /**
   * Mend the phone after close code 4400: send none of its decisions again.
   * @returns {ReadonlyMap<string, Outcome>}
   */
  forgetUnanswered() {
    this.#outcomes = new Map();
    for (const { challenge } of this.#kept.unanswered) {
      this.#settle(challenge.transactionId, refused("invalid_decision"));
    }
    return this.#outcomes;
  }

  /** @param {Partial<Identity>} changed */
  changeIdentity(changed) {
    this.#kept = { ...this.#kept, identity: { ...this.identity, ...changed } };
  }

  /** @param {import("./notices.js").Unnumbered<import("../model.js").Notice>} notice @param {number} now */
  tell(notice, now) {
    this.#kept = { ...this.#kept, noticed: withNotice(this.#kept.noticed, notice, now) };
  }

  /** @param {number} id */
  dismiss(id) {
    this.#kept = { ...this.#kept, noticed: withoutNotice(this.#kept.noticed, id) };
  }

  /** @param {ServiceMessage} message @param {number} now @returns {Promise<readonly object[]>} */
  async #react(message, now) {
    switch (message.type) {
      case "hello":
        return this.#greet(message, now);
      case "welcome":
        return this.#welcomed(message, now);
      case "keys":
        return this.#announced(message, now);
      case "challenge":
        return this.#offered(message, now);
      case "fetched":
        return this.#fetched(message, now);
      default:
        this.#told(message, now);
        return [];
    }
  }

  /** @param {ServiceMessage} message @param {number} now */
  #told(message, now) {
    switch (message.type) {
      case "withdrawn":
        this.#withdraw(message.transaction_id, message.reason, now);
        break;
      case "accepted":
        this.#accepted(message, now);
        break;
      case "refused":
        this.#refused(message, now);
        break;
      case "order_done":
      case "order_refused":
        this.#ordered(message);
        break;
      default:
        this.#toldOfUser(message, now);
    }
  }

  /** @param {ServiceMessage} message @param {number} now */
  #toldOfUser(message, now) {
    switch (message.type) {
      case "device_waiting":
        this.#newcomers.set(message.device_id, newcomer(message));
        this.#unconfirmedNewcomers.delete(message.device_id);
        break;
      case "device_unknown":
        this.#newcomers.delete(message.device_id);
        break;
      case "device_enrolled":
      case "device_rejected":
      case "device_revoked":
        this.#aboutDevice(message, now);
        break;
      case "device_renamed":
        this.changeIdentity({ name: message.name });
        break;
      case "attempts_warning":
        this.#warned(message, now);
        break;
      default:
        this.#toldOfPasskeys(message, now);
    }
  }

  /** @param {ServiceMessage} message @param {number} now */
  #toldOfPasskeys(message, now) {
    if (message.type === "passkeys") {
      this.changeIdentity({ passkeys: message.registered, rpId: message.rp_id });
    } else if (message.type === "passkey_added" || message.type === "passkey_removed") {
      this.#aboutPasskey(message, now);
    }
  }

  /** @param {import("./messages.js").Said<"hello">} hello @param {number} now */
  async #greet(hello, now) {
    if (this.#greeted) {
      throw new Untrusted("it asked for a second proof on one connection");
    }
    if (hello.issuer !== this.identity.issuer) {
      throw new Untrusted("it says it is another issuer");
    }
    this.#greeted = true;
    const proof = await sessionProof({ nonce: hello.nonce }, this.means(now));
    return [{ type: "authenticate", proof }];
  }

  /** @param {import("./messages.js").Said<"welcome">} welcome @param {number} now */
  #welcomed(welcome, now) {
    if (!this.#greeted || welcome.device_id !== this.identity.deviceId) {
      throw new Untrusted("it welcomed another phone");
    }
    this.#offset = welcome.server_time - now;
    if (this.identity.approvalUntil !== null) {
      this.changeIdentity({ approvalUntil: null });
    }
    for (const [name, outcome] of this.expire(now)) {
      this.#outcomes.set(name, outcome);
    }
    return this.#kept.unanswered.map(({ token }) => ({ type: "decide", decision: token }));
  }

  /** @param {import("./messages.js").Said<"keys">} message @param {number} now */
  async #announced({ announcements }, now) {
    const { challengeKeys, keysAnnouncedAt } = this.identity;
    try {
      const keys = await announcedKeys(announcements, this.identity);
      const before = JSON.stringify({ challengeKeys, keysAnnouncedAt });
      if (JSON.stringify(keys) !== before) {
        this.changeIdentity(keys);
        this.tell({ type: "keys_pinned" }, now);
      }
    } catch (error) {
      if (!(error instanceof NotAuthentic || error instanceof Malformed)) {
        throw error;
      }
      this.#once(`keys ${announcements[0]}`, { type: "keys_ignored" }, now);
    }
    return [];
  }

  /** @param {import("./messages.js").Said<"challenge">} offered @param {number} now */
  async #offered({ challenge: token }, now) {
    const { challengeKeys: keys, issuer } = this.identity;
    try {
      const by = { keys, issuer, now: now + this.#offset };
      const challenge = await verifyChallenge(token, by);
      const name = challenge.transactionId;
      const isReceived = this.#prompts.add(challenge) && hasReceipts(name);
      return isReceived ? [{ type: "received", transaction_id: name }] : [];
    } catch (error) {
      if (!(error instanceof ChallengeRefused)) {
        throw error;
      }
      if (error.reason !== "expired") {
        const told = `challenge ${token.slice(-43)}`;
        this.#once(told, { type: "challenge_ignored", reason: error.reason }, now);
      }
      return [];
    }
  }

  /** @param {import("./messages.js").Said<"fetched">} fetched @param {number} now */
  #fetched({ open }, now) {
    const outcomes = this.expire(now);
    for (const name of this.#prompts.unconfirmed(open)) {
      this.#withdraw(name, "gone", now);
    }
    for (const name of this.#unconfirmedNewcomers) {
      this.#newcomers.delete(name);
    }
    this.#unconfirmedNewcomers.clear();
    this.#outcomes = new Map([...outcomes, ...this.#outcomes]);
    return [];
  }

  /**
   * @param {string} name
   * @param {import("../model.js").WithdrawalReason} reason
   * @param {number} now
   */
  #withdraw(name, reason, now) {
    if (this.unanswered(name)) {
      this.#withdrawn.set(name, reason); // what became of the decision is still to be said
      return;
    }
    const prompt = this.#prompts.close(name);
    if (prompt !== undefined) {
      this.#outcomes.set(name, reason === "expired" ? { outcome: reason } : withdrawn(reason));
      const client = prompt.challenge.display.client;
      this.tell({ type: "request_withdrawn", transactionId: name, client, reason }, now);
    }
  }

  /** @param {import("./messages.js").Said<"accepted">} accepted @param {number} now */
  #accepted({ transaction_id: name, decision: jti, verdict }, now) {
    const decision = this.unanswered(name);
    if (decision === undefined || decision.jti !== jti) {
      return;
    }
    if (decision.verdict !== verdict) {
      throw new Untrusted("it recorded another verdict than the phone signed");
    }
    const outcome = verdict === "approve" ? "approved" : "denied";
    const { display, locale } = decision.challenge;
    /** @type {Past} */
    const past = {
      transactionId: name,
      verdict: outcome,
      reason: decision.reason,
      decidedAt: now,
      display,
      locale,
    };
    const history = [past, ...this.#kept.history].slice(0, HISTORY_LENGTH);
    this.#kept = { ...this.#kept, history };
    this.#locked = this.#locked && verdict !== "approve";
    this.#settle(name, { outcome });
  }

  /** @param {import("./messages.js").Said<"refused">} message @param {number} now */
  #refused({ transaction_id: name, decision: jti, reason, attempts_left, retry_after }, now) {
    if (this.unanswered(name)?.jti !== jti || reason === "unavailable") {
      return;
    }
    const retryAt = retry_after === null ? null : now + retry_after * 1000;
    const withdrawal = this.#withdrawn.get(name);
    if (reason === "not_open" && withdrawal !== undefined) {
      this.#settle(
        name,
        withdrawal === "expired" ? { outcome: withdrawal } : withdrawn(withdrawal),
      );
      return;
    }
    this.#lock(reason === "locked" || attempts_left === 0, attempts_left);
    if (reason === "factors" || reason === "paused") {
      this.#drop(name);
      this.#prompts.change(name, {
        step: "open",
        refusal: { reason, attemptsLeft: attempts_left, retryAt },
      });
      this.#outcomes.set(name, refused(reason, attempts_left, retryAt));
      if (withdrawal !== undefined) {
        this.#withdraw(name, withdrawal, now);
        this.#outcomes.set(name, refused(reason, attempts_left, retryAt));
      }
      return;
    }
    this.#settle(name, refused(reason, attempts_left, retryAt));
  }

  /** @param {import("./messages.js").Said<"order_done" | "order_refused">} message */
  #ordered(message) {
    const isDone = message.type === "order_done";
    const pending = this.identity.pendingPin;
    if (pending?.jti === message.order && (isDone || message.reason !== "unavailable")) {
      const pinKey = isDone ? pending.pinKey : this.identity.pinKey;
      this.changeIdentity({ pinKey, pendingPin: null });
    }
    if (isDone) {
      this.#locked = false;
    } else {
      this.#lock(message.reason === "locked" || message.attempts_left === 0, message.attempts_left);
    }
  }

  /** @param {boolean} isLocked @param {number | null} attemptsLeft */
  #lock(isLocked, attemptsLeft) {
    this.#locked = isLocked || (this.#locked && attemptsLeft === null);
  }

  /**
   * @param {import("./messages.js").Said<"device_enrolled" | "device_rejected"
   *   | "device_revoked">} message
   * @param {number} now
   */
  #aboutDevice({ type, device_id: deviceId, name, at }, now) {
    this.#newcomers.delete(deviceId);
    if (deviceId === this.identity.deviceId) {
      this.#ended = type === "device_revoked" ? "given_up" : this.#ended;
      return;
    }
    this.#once(`${type} ${deviceId}`, { type, deviceId, name }, this.#moment(at, now));
  }

  /** @param {import("./messages.js").Said<"attempts_warning">} message @param {number} now */
  #warned({ device_id: deviceId, name, attempts_left: attemptsLeft, at }, now) {
    const told = `attempts_warning ${deviceId} ${attemptsLeft} ${at}`;
    const when = this.#moment(at, now);
    if (attemptsLeft === 0 && now - when < JUST_NOW_MS) {
      this.#locked = true;
    }
    this.#once(told, { type: "attempts_warning", deviceId, name, attemptsLeft }, when);
  }

  /**
   * @param {import("./messages.js").Said<"passkey_added" | "passkey_removed">} message
   * @param {number} now
   */
  #aboutPasskey({ type, device_id: deviceId, name, passkey_id: passkeyId, at }, now) {
    if (deviceId !== this.identity.deviceId) {
      const told = `${type} ${deviceId} ${passkeyId}`;
      this.#once(told, { type, deviceId, name, passkeyId }, this.#moment(at, now));
    } else if (type === "passkey_removed") {
      const passkeys = this.identity.passkeys.filter((each) => each !== passkeyId);
      this.changeIdentity({ passkeys });
    }
  }

  /** A moment of the service in this browser's time. @param {number | null} at @param {number} now */
  #moment(at, now) {
    return at === null ? now : at * 1000 - this.#offset;
  }

  /**
   * @param {string} name
   * @param {import("./notices.js").Unnumbered<import("../model.js").Notice>} notice
   * @param {number} at
   */
  #once(name, notice, at) {
    const noticed = withNoticeOnce(this.#kept.noticed, name, notice, at);
    this.#kept = { ...this.#kept, noticed };
  }

  /** Let go of a decision whose outcome is final. @param {string} name @param {Outcome} outcome */
  #settle(name, outcome) {
    this.#drop(name);
    this.#prompts.close(name);
    this.#outcomes.set(name, outcome);
  }

  /** @param {string} name */
  #drop(name) {
    const unanswered = this.#kept.unanswered.filter(
      ({ challenge }) => challenge.transactionId !== name,
    );
    this.#kept = { ...this.#kept, unanswered };
    this.#withdrawn.delete(name);
  }
}

/** @typedef {{deviceId: string, name: string, key: string, since: number, until: number}} Newcomer */

/** @param {import("./messages.js").Said<"device_waiting">} waiting @returns {Newcomer} */
function newcomer({ device_id: deviceId, name, key, since, until }) {
  return { deviceId, name, key, since, until };
}

/** @param {import("../model.js").WithdrawalReason} reason @returns {Outcome} */
function withdrawn(reason) {
  return { outcome: "withdrawn", reason };
}

/**
 * @param {import("../model.js").RefusalReason} reason
 * @param {number | null} [attemptsLeft]
 * @param {number | null} [retryAt]
 * @returns {Outcome}
 */
function refused(reason, attemptsLeft = null, retryAt = null) {
  return { outcome: "refused", reason, attemptsLeft, retryAt };
}
