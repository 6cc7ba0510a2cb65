// An enrolled phone in use: its rules, its vault and its connection, and whoever waits for an answer.

import { Backoff } from "./connection/backoff.js";
import { ClockWatch } from "./connection/clock-watch.js";
import { exchange } from "./connection/exchange.js";
import { Link } from "./connection/link.js";
import { pause } from "./connection/pause.js";
import { withRetries } from "./connection/retry.js";
import { Untrusted } from "./core/device.js";
import { PhoneError } from "./errors.js";

/**
 * @typedef {import("./core/messages.js").ServiceMessage} ServiceMessage
 * @typedef {import("./model.js").Outcome} Outcome
 * @typedef {import("./storage/vault.js").Ended["because"]} Because
 */

const LONGEST_TIMER_MS = 2 ** 31 - 1;
const CLOCK_MS = 1_000;
/** How long an answer may take before the user is told that it does. */
const PATIENCE_MS = 5_000;

/**
 * Who is told what happens to the phone.
 * @typedef {Object} Owner
 * @property {() => void} changed there is something else to show
 * @property {(because: Because) => void} ended this phone counts no more
 * @property {() => void} online the service is there
 */

export class RunningPhone {
  connection = /** @type {import("./model.js").State["connection"]} */ ("connecting");
  /** @type {number | null} */
  retryAt = null;
  /** @type {import("./model.js").Problem | null} */
  problem = null;
  #owner;
  #link;
  #postponements;
  /** Whether the user gives this phone up: then that is why it ends, whatever else is heard. */
  isLeaving = false;
  isChangingPin = false;
  /** @type {PhoneError | null} */
  #stopped = null;
  #turn = Promise.resolve();
  #clock = new ClockWatch();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #watching;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Map<string, PromiseWithResolvers<Outcome>>} */
  #awaited = new Map();

  /**
   * @param {import("./core/device.js").Device} device
   * @param {import("./storage/vault.js").Vault} vault
   * @param {Owner} owner
   * @param {import("./core/bytes.js").RandomBytes} randomBytes
   */
  constructor(device, vault, owner, randomBytes) {
    this.device = device;
    this.vault = vault;
    this.randomBytes = randomBytes;
    this.#owner = owner;
    this.#postponements = new Backoff(randomBytes);
    this.#link = new Link(
      {
        address: () => device.identity.websocket,
        begin: () => device.beginConnection(),
        receive: (message) => this.#receive(message),
        ask: (message) => this.#answerTo(message),
        unanswered: () => device.requests.unanswered.map(({ token }) => decide(token)),
        changed: (connection, retryAt) => this.#connected(connection, retryAt),
        revoked: () => this.end(this.isWaiting ? "rejected" : "revoked"),
        mend: () => this.#mend(),
        distrust: () => this.#trouble("untrusted"),
      },
      randomBytes,
    );
  }

  /** Why it is not in use any more, if it is not. */
  get stopped() {
    return this.#stopped;
  }

  /** Whether another phone has to approve this one first. */
  get isWaiting() {
    return this.device.identity.approvalUntil !== null;
  }

  /** Connect. */
  start() {
    this.#schedule();
    this.#watching = setInterval(() => this.#mindClock(), CLOCK_MS);
    this.#link.run();
  }

  /** Let go; whoever waits for an outcome is told why. @param {PhoneError} why */
  stop(why) {
    this.#stopped ??= why;
    this.#link.stop();
    clearTimeout(this.#timer);
    clearInterval(this.#watching);
    for (const { reject } of this.#awaited.values()) {
      reject(why);
    }
    this.#awaited.clear();
  }

  reconnect() {
    this.#link.reconnect();
  }

  /** @param {object} receipt */
  tell(receipt) {
    this.#link.tell(receipt);
  }

  /** @param {Because} because */
  end(because) {
    if (this.#stopped === null) {
      this.stop(new PhoneError("ended"));
      this.#owner.ended(this.isLeaving ? "given_up" : because);
    }
  }

  /** What an act is made with now. */
  means() {
    return this.device.means(Date.now());
  }

  /** Keep what has changed, and show it; raises `PhoneError` (`storage`). */
  async keep() {
    await this.vault.save(this.device.kept);
    this.show();
  }

  /** Show what has changed, also what changes with time alone. */
  show() {
    this.#schedule();
    this.#owner.changed();
  }

  /**
   * Send a decision that was kept, and wait for its outcome over as many connections as it takes.
   * @param {string} transactionId
   * @param {string} token
   * @returns {Promise<Outcome>}
   */
  async decide(transactionId, token) {
    if (this.#stopped !== null) {
      throw this.#stopped;
    }
    const awaited = Promise.withResolvers();
    this.#awaited.set(transactionId, awaited);
    if (!this.#link.submit(decide(token))) {
      this.#unsure(transactionId);
    }
    const slow = setTimeout(() => this.#unsure(transactionId), PATIENCE_MS);
    return awaited.promise.finally(() => clearTimeout(slow));
  }

  /**
   * Say something over HTTPS until the service has answered; raises `PhoneError`.
   * @param {object} message
   * @returns {Promise<readonly ServiceMessage[]>}
   */
  ask(message) {
    return withRetries(() => this.askOnce(message), this.randomBytes);
  }

  /** Say something over HTTPS once. @param {object} message */
  async askOnce(message) {
    return (await this.#exchange(message)).messages;
  }

  /** @param {object} message @returns {Promise<readonly object[]>} what to reply */
  async #answerTo(message) {
    return (await this.#exchange(message)).replies;
  }

  /** @param {object} message */
  async #exchange(message) {
    try {
      const messages = await exchange(message, () => this.means());
      const replies = [];
      for (const each of messages) {
        replies.push(...(await this.#receive(each)));
      }
      return { messages, replies };
    } catch (error) {
      if (error instanceof PhoneError && error.code === "ended") {
        this.end(this.isWaiting ? "rejected" : "revoked");
      }
      if (error instanceof Untrusted) {
        this.#trouble("untrusted");
        throw new PhoneError("untrusted", { cause: error });
      }
      throw error;
    }
  }

  /**
   * Take in one message after the other, wherever they come from.
   * @param {ServiceMessage} message
   * @returns {Promise<readonly object[]>}
   */
  #receive(message) {
    const turn = this.#turn.then(() => this.#take(message));
    this.#turn = turn.then(ignore, ignore);
    return turn;
  }

  /** @param {ServiceMessage} message */
  async #take(message) {
    if (this.#stopped !== null) {
      return [];
    }
    if (message.type === "welcome") {
      this.#clock.begin();
    }
    const replies = await this.device.receive(message, Date.now());
    await this.#keepOrTell();
    if (message.type === "refused" && message.reason === "unavailable") {
      this.#resendLater(message.transaction_id);
    }
    if (message.type === "welcome") {
      this.#postponements.reset();
      this.problem = null;
    }
    this.#settle();
    this.show();
    if (this.device.hasGivenUp) {
      this.end("given_up");
    }
    return replies;
  }

  async #keepOrTell() {
    try {
      await this.vault.save(this.device.kept);
    } catch (error) {
      if (!(error instanceof PhoneError)) {
        throw error;
      }
      this.problem = { code: "storage" };
    }
  }

  #settle() {
    for (const [transactionId, outcome] of this.device.requests.takeOutcomes()) {
      this.#awaited.get(transactionId)?.resolve(outcome);
      this.#awaited.delete(transactionId);
    }
  }

  /** @param {string} transactionId */
  #unsure(transactionId) {
    this.device.requests.step(transactionId, "unsure");
    this.show();
  }

  /** @param {string} transactionId */
  async #resendLater(transactionId) {
    this.#unsure(transactionId);
    await pause(this.#postponements.next());
    const decision = this.device.requests.answer(transactionId);
    if (decision !== undefined && this.#stopped === null) {
      this.#link.submit(decide(decision.token));
    }
  }

  /** @param {import("./model.js").State["connection"]} connection @param {number | null} retryAt */
  #connected(connection, retryAt) {
    if (connection !== "online") {
      for (const { challenge } of this.device.requests.unanswered) {
        this.device.requests.step(challenge.transactionId, "unsure");
      }
    }
    this.connection = connection;
    this.retryAt = retryAt;
    this.show();
    if (connection === "online") {
      this.#owner.online();
    }
    if (connection === "elsewhere") {
      this.stop(new PhoneError("elsewhere"));
    }
  }

  async #mend() {
    this.device.requests.forgetUnanswered(Date.now());
    await this.#keepOrTell();
    this.#settle();
    this.#trouble("mended");
  }

  /** @param {import("./model.js").Problem["code"]} code */
  #trouble(code) {
    this.problem = { code };
    this.show();
  }

  /** Look again when the next request, decision or waiting phone is over. */
  #schedule() {
    clearTimeout(this.#timer);
    this.#mindClock();
    const now = Date.now();
    const next = Math.min(...this.device.endings(now)) - now;
    if (Number.isFinite(next) && this.#stopped === null) {
      this.#timer = setTimeout(() => this.#expire(), Math.min(Math.max(next, 0), LONGEST_TIMER_MS));
    }
  }

  /** A clock that was set says nothing of what is over: the service tells the time anew. */
  #mindClock() {
    if (this.#clock.wasSet()) {
      this.device.forgetTime();
      this.#link.renew();
    }
  }

  async #expire() {
    this.#mindClock();
    this.device.expire(Date.now());
    await this.#keepOrTell();
    this.#settle();
    this.show();
  }
}

/** @param {string} token */
function decide(token) {
  return { type: "decide", decision: token };
}

function ignore() {}
