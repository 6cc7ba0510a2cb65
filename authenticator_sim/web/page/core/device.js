// The phone without input or output: service messages in, phone messages and outcomes out.
//
// A decision stays with the phone until its outcome is known, and is sent again to the byte on
// every new connection. Everything in `kept` outlives the page.

import { announcedKeys } from "./announcements.js";
import { ChallengeRefused, verifyChallenge } from "./challenges.js";
import { Malformed } from "./json.js";
import { hasReceipts } from "./messages.js";
import { NOTHING_NOTICED, Noticeboard } from "./noticeboard.js";
import { Others } from "./others.js";
import { Requests } from "./requests.js";
import { sessionProof } from "./sessions.js";
import { NotAuthentic } from "./signatures.js";

/**
 * @typedef {import("./identity.js").Identity} Identity
 * @typedef {import("./messages.js").ServiceMessage} ServiceMessage
 * @typedef {import("../model.js").Outcome} Outcome
 */
/**
 * @template {ServiceMessage["type"]} Type
 * @typedef {import("./messages.js").Said<Type>} Said
 */

/** @typedef {Readonly<{identity: Identity, noticed: import("./noticeboard.js").Noticed,
 *   unanswered: readonly import("./requests.js").Unanswered[],
 *   over: readonly import("./requests.js").Over[],
 *   history: readonly import("./requests.js").Past[]}>} Kept */

/** The other side is not this phone's service, or broke the protocol. */
export class Untrusted extends Error {
  name = "Untrusted";
}

/** A warning that is older says nothing of whether factors are locked now. */
const JUST_NOW_MS = 60_000;

export class Device {
  #identity;
  #board;
  #randomBytes;
  #offset = 0;
  /** Whether the service has told the time: before, nothing is over by a clock that may be wrong. */
  #wasHeard = false;
  #greeted = false;
  /** When the service has said that factors are locked, in its seconds. @type {number | null} */
  #lockedAt = null;
  #hasGivenUp = false;

  /**
   * Begin with what was kept; challenges that were decided before are not shown again.
   * @param {Kept} kept
   * @param {import("./bytes.js").RandomBytes} randomBytes
   */
  constructor(kept, randomBytes) {
    this.#identity = kept.identity;
    this.#board = new Noticeboard(kept.noticed);
    this.#randomBytes = randomBytes;
    this.requests = new Requests(kept, this.#board);
    this.others = new Others(this.#board);
  }

  /** What a phone that was just enrolled keeps. @param {Identity} identity @returns {Kept} */
  static fresh(identity) {
    return { identity, unanswered: [], over: [], history: [], noticed: NOTHING_NOTICED };
  }

  /** What outlives the page; a member is another object after each change. @returns {Kept} */
  get kept() {
    const { unanswered, over, history } = this.requests;
    return { identity: this.#identity, noticed: this.#board.kept, unanswered, over, history };
  }

  get identity() {
    return this.#identity;
  }

  get board() {
    return this.#board;
  }

  /** Whether factors are locked, as far as the service has said. */
  get locked() {
    return this.#lockedAt !== null;
  }

  /** Whether the service has confirmed that this phone gave itself up. */
  get hasGivenUp() {
    return this.#hasGivenUp;
  }

  /** What to add to this browser's time for the service's, by its own word (`welcome`). */
  get offset() {
    return this.#offset;
  }

  /** What an act is made with at `now`. @param {number} now @returns {import("./identity.js").Means} */
  means(now) {
    return { identity: this.#identity, now, randomBytes: this.#randomBytes };
  }

  /** @param {Partial<Identity>} changed */
  changeIdentity(changed) {
    this.#identity = { ...this.#identity, ...changed };
  }

  /** Take no time for the service's any more, until it has been heard again. */
  forgetTime() {
    this.#offset = 0;
    this.#wasHeard = false;
  }

  /** Forget what belonged to the last connection; call before the first message of a new one. */
  beginConnection() {
    this.#greeted = false;
    this.requests.beginConnection();
    this.others.beginConnection();
  }

  /** Take off what has expired by the service's clock, if that is known. @param {number} now */
  expire(now) {
    if (this.#wasHeard) {
      this.requests.expire(now + this.#offset, now);
    }
  }

  /**
   * When something will be over that is not yet, in this browser's milliseconds, as far as the
   * service was heard.
   * @param {number} now
   * @returns {readonly number[]}
   */
  endings(now) {
    if (!this.#wasHeard) {
      return [];
    }
    const waiting = this.others.newcomers.map((newcomer) => newcomer.until * 1000);
    const ahead = waiting.filter((until) => until > now + this.#offset);
    return [...this.requests.endings(), ...ahead].map((each) => each - this.#offset);
  }

  /**
   * Take in one message, and return what to reply; raises `Untrusted`.
   * @param {ServiceMessage} message
   * @param {number} now
   * @returns {Promise<readonly object[]>}
   */
  async receive(message, now) {
    switch (message.type) {
      case "hello":
        return this.#greet(message, now);
      case "welcome":
        return this.#welcomed(message, now);
      case "challenge":
        return this.#offered(message, now);
      case "keys":
        await this.#announced(message, now);
        return [];
      default:
        this.#toldOfRequests(message, now);
        return [];
    }
  }

  /** @param {ServiceMessage} message @param {number} now */
  #toldOfRequests(message, now) {
    switch (message.type) {
      case "fetched":
        this.#heard();
        this.expire(now);
        this.requests.closeUnconfirmed(message.open, now);
        this.others.closeUnconfirmed();
        break;
      case "withdrawn":
        this.requests.withdraw(message.transaction_id, message.reason, now);
        break;
      case "accepted":
        this.#accepted(message, now);
        break;
      case "refused":
        this.#refused(message, now);
        break;
      default:
        this.#toldOfPhones(message, now);
    }
  }

  /** @param {ServiceMessage} message @param {number} now */
  #toldOfPhones(message, now) {
    switch (message.type) {
      case "device_waiting":
        this.others.waiting(message);
        break;
      case "device_unknown":
        this.others.gone(message.device_id);
        break;
      case "device_enrolled":
      case "device_rejected":
      case "device_revoked":
        this.#aboutPhone(message, now);
        break;
      case "attempts_warning":
        this.#warned(message, now);
        break;
      default:
        this.#toldOfItself(message, now);
    }
  }

  /** @param {ServiceMessage} message @param {number} now */
  #toldOfItself(message, now) {
    switch (message.type) {
      case "device_renamed":
        this.changeIdentity({ name: message.name });
        break;
      case "order_done":
      case "order_refused":
        this.#ordered(message, now);
        break;
      case "passkeys":
        this.changeIdentity({ passkeys: message.registered, rpId: message.rp_id });
        break;
      case "passkey_added":
      case "passkey_removed":
        this.#aboutPasskey(message, now);
        break;
      default: // an answer to what was asked, for whoever asked
    }
  }

  /** @param {Said<"hello">} hello @param {number} now */
  async #greet(hello, now) {
    if (this.#greeted) {
      throw new Untrusted("it asked for a second proof on one connection");
    }
    if (hello.issuer !== this.#identity.issuer) {
      throw new Untrusted("it says it is another issuer");
    }
    this.#greeted = true;
    const proof = await sessionProof({ nonce: hello.nonce }, this.means(now));
    return [{ type: "authenticate", proof }];
  }

  /** @param {Said<"welcome">} welcome @param {number} now */
  #welcomed(welcome, now) {
    if (!this.#greeted || welcome.device_id !== this.#identity.deviceId) {
      throw new Untrusted("it welcomed another phone");
    }
    this.#offset = welcome.server_time - now;
    this.#heard();
    this.expire(now);
    return this.requests.unanswered.map(({ token }) => ({ type: "decide", decision: token }));
  }

  /** The service talks of requests to this phone: it waits for nobody. */
  #heard() {
    this.#wasHeard = true;
    if (this.#identity.approvalUntil !== null) {
      this.changeIdentity({ approvalUntil: null });
    }
  }

  /** @param {Said<"challenge">} offered @param {number} now */
  async #offered({ challenge: token }, now) {
    const { challengeKeys: keys, issuer } = this.#identity;
    try {
      const by = { keys, issuer, now: now + this.#offset };
      const challenge = await verifyChallenge(token, by);
      const name = challenge.transactionId;
      if (challenge.iat > (this.#lockedAt ?? challenge.iat)) {
        this.#lockedAt = null; // Who is locked is not asked.
      }
      const isReceived = this.requests.add(challenge) && hasReceipts(name);
      return isReceived ? [{ type: "received", transaction_id: name }] : [];
    } catch (error) {
      if (!(error instanceof ChallengeRefused)) {
        throw error;
      }
      if (error.reason !== "expired") {
        const news = /** @type {const} */ ({ type: "challenge_ignored", reason: error.reason });
        this.#board.tellOnce(`challenge ${token.slice(-43)}`, news, now);
      }
      return [];
    }
  }

  /** @param {Said<"keys">} message @param {number} now */
  async #announced({ announcements }, now) {
    const before = this.#identity;
    try {
      const keys = await announcedKeys(announcements, before);
      if (keys.keysAnnouncedAt !== before.keysAnnouncedAt) {
        this.changeIdentity(keys);
      }
      if (pointsOf(keys) !== pointsOf(before)) {
        this.changeIdentity(keys);
        this.#board.tell({ type: "keys_pinned" }, now);
        this.#askAnew(now);
      }
    } catch (error) {
      if (!(error instanceof NotAuthentic || error instanceof Malformed)) {
        throw error;
      }
      const signature = announcements[0]?.slice(-43) ?? "";
      this.#board.tellOnce(`keys ${signature}`, { type: "keys_ignored" }, now);
    }
  }

  /** What could not be approved with the key that this phone had. @param {number} now */
  #askAnew(now) {
    this.requests.reopen(this.#identity.recipient.kid ?? "", now + this.#offset);
  }

  /** @param {Said<"accepted">} message @param {number} now */
  #accepted({ transaction_id: name, decision: jti, verdict }, now) {
    const decision = this.requests.answer(name);
    if (decision?.jti !== jti) {
      return;
    }
    if (decision.verdict !== verdict) {
      throw new Untrusted("it recorded another verdict than the phone signed");
    }
    this.#lockedAt = verdict === "approve" ? null : this.#lockedAt;
    this.requests.accept(decision, now);
  }

  /** @param {Said<"refused">} refused @param {number} now */
  #refused(refused, now) {
    const { transaction_id: name, decision: jti, reason, attempts_left, retry_after } = refused;
    const decision = this.requests.answer(name);
    if (decision?.jti !== jti || reason === "unavailable") {
      return;
    }
    if (refused.reported && decision.reason === "not_me") {
      this.requests.accept(decision, now);
      return;
    }
    const retryAt = retry_after === null ? null : now + retry_after * 1000;
    this.#countAttempts(reason, attempts_left, now);
    this.requests.refuse(decision, { reason, attemptsLeft: attempts_left, retryAt }, now);
    this.#askAnew(now);
  }

  /** @param {Said<"order_done" | "order_refused">} message @param {number} now */
  #ordered(message, now) {
    const isDone = message.type === "order_done";
    const pending = this.#identity.pendingPin;
    if (pending?.jti === message.order && (isDone || message.reason !== "unavailable")) {
      const pinKey = isDone ? pending.pinKey : this.#identity.pinKey;
      this.changeIdentity({ pinKey, pendingPin: null });
    }
    if (isDone) {
      this.#lockedAt = null;
    } else {
      this.#countAttempts(message.reason, message.attempts_left, now);
    }
  }

  /** @param {string} reason @param {number | null} attemptsLeft @param {number} now */
  #countAttempts(reason, attemptsLeft, now) {
    if (reason === "locked" || attemptsLeft === 0) {
      this.#lockedAt = (now + this.#offset) / 1000;
    } else if (attemptsLeft !== null) {
      this.#lockedAt = null;
    }
  }

  /** @param {Said<"device_enrolled" | "device_rejected" | "device_revoked">} said @param {number} now */
  #aboutPhone(said, now) {
    if (said.device_id !== this.#identity.deviceId) {
      this.others.phone(said, this.#moment(said.at, now));
    } else if (said.type === "device_revoked") {
      this.#hasGivenUp = true;
    }
  }

  /** @param {Said<"attempts_warning">} said @param {number} now */
  #warned(said, now) {
    const when = this.#moment(said.at, now);
    if (said.attempts_left === 0 && now - when < JUST_NOW_MS) {
      this.#lockedAt ??= (when + this.#offset) / 1000;
    }
    this.others.attempts(said, when);
  }

  /** @param {Said<"passkey_added" | "passkey_removed">} said @param {number} now */
  #aboutPasskey(said, now) {
    if (said.device_id !== this.#identity.deviceId) {
      this.others.passkey(said, this.#moment(said.at, now));
    } else if (said.type === "passkey_removed") {
      const passkeys = this.#identity.passkeys.filter((each) => each !== said.passkey_id);
      this.changeIdentity({ passkeys });
    }
  }

  /** A moment of the service in this browser's time. @param {number | null} at @param {number} now */
  #moment(at, now) {
    return at === null ? now : at * 1000 - this.#offset;
  }
}

/**
 * Which keys these are, whatever else is said of them.
 * @param {Pick<Identity, "challengeKeys" | "recipient">} keys
 */
function pointsOf({ challengeKeys, recipient }) {
  return [recipient, ...challengeKeys].map(({ kid, x, y }) => `${kid} ${x} ${y}`).join();
}
