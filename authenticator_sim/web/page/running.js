// An enrolled phone in use: its rules, its vault and its connection, and whoever waits for an answer.

import { Backoff } from "./connection/backoff.js";
import { exchange, freshNonce } from "./connection/exchange.js";
import { Link } from "./connection/link.js";
import { pause } from "./connection/pause.js";
import { withRetries } from "./connection/retry.js";
import { Untrusted } from "./core/device.js";
import { newOrder } from "./core/orders.js";
import { isPin, unwrapPinKey } from "./core/pin.js";
import { PhoneError } from "./errors.js";

/**
 * @typedef {import("./core/messages.js").ServiceMessage} ServiceMessage
 * @typedef {import("./model.js").Outcome} Outcome
 * @typedef {import("./storage/vault.js").Ended["because"]} Because
 */

const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** How long an answer may take before the user is told that it does. */
const PATIENCE_MS = 5_000;

/**
 * Who is told what happens to the phone.
 * @typedef {Object} Owner
 * @property {() => void} changed there is something else to show
 * @property {(because: Because) => void} ended this phone counts no more
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
  #stopped = false;
  #turn = Promise.resolve();
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
        unanswered: () => device.kept.unanswered.map(({ token }) => decide(token)),
        changed: (connection, retryAt) => this.#connected(connection, retryAt),
        revoked: () => this.end(this.isWaiting ? "rejected" : "revoked"),
        mend: () => this.#mend(),
        distrust: () => this.#trouble("untrusted"),
      },
      randomBytes,
    );
  }

  /** Whether another phone has to approve this one first. */
  get isWaiting() {
    return this.device.identity.approvalUntil !== null;
  }

  /** Connect. */
  start() {
    this.#schedule();
    this.#link.run();
  }

  /** Let go; whoever waits for an outcome is told why. @param {PhoneError} why */
  stop(why) {
    this.#stopped = true;
    this.#link.stop();
    clearTimeout(this.#timer);
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
    if (!this.#stopped) {
      this.stop(new PhoneError("ended"));
      this.#owner.ended(because);
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
    return withRetries(async () => (await this.#exchange(message)).messages, this.randomBytes);
  }

  /** A nonce for an order; raises `PhoneError`. @returns {Promise<string>} */
  nonce() {
    return withRetries(() => freshNonce(this.device.identity), this.randomBytes);
  }

  /**
   * The key that the PIN unwraps; raises `PhoneError` while it is not known which PIN counts.
   * @param {string | undefined} pin
   */
  async pinKey(pin) {
    if (pin === undefined) {
      throw new PhoneError("missing_factor");
    }
    if (!isPin(pin)) {
      throw new PhoneError("invalid_pin");
    }
    await this.settlePin();
    return unwrapPinKey(this.device.identity.pinKey, pin);
  }

  /**
   * Send a pending change of the PIN again, to the byte, until it is known which PIN counts; raises
   * `PhoneError`. True when the new one does.
   */
  async settlePin() {
    const pending = this.device.identity.pendingPin;
    if (pending === null) {
      return null;
    }
    return await this.give(pending.jti, pending.order);
  }

  /**
   * Have something done that needs the PIN; raises `PhoneError`.
   * @param {import("./core/orders.js").Wish} wish
   * @param {string} pin
   * @param {string} [nonce] that of passkey options
   */
  async order(wish, pin, nonce) {
    const pinKey = await this.pinKey(pin);
    const fresh = nonce ?? (await this.nonce());
    const { jti, token } = await newOrder(wish, { pinKey, nonce: fresh }, this.means());
    pinKey.fill(0);
    return await this.give(jti, token);
  }

  /**
   * Hand in a signed order, the same one again until there is an outcome; raises `PhoneError`.
   * @param {string} jti
   * @param {string} token
   */
  async give(jti, token) {
    return withRetries(async () => {
      const { messages } = await this.#exchange({ type: "order", order: token });
      for (const message of messages) {
        if (message.type === "order_done" && message.order === jti) {
          return message;
        }
        if (message.type === "order_refused" && message.order === jti) {
          throw refusalOf(message);
        }
      }
      throw new PhoneError("unreachable");
    }, this.randomBytes);
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
    if (this.#stopped) {
      return [];
    }
    const { replies, outcomes } = await this.device.receive(message, Date.now());
    await this.#keepOrTell();
    if (message.type === "refused" && message.reason === "unavailable") {
      this.#resendLater(message.transaction_id);
    }
    if (message.type === "welcome") {
      this.#postponements.reset();
      this.problem = null;
    }
    this.#settle(outcomes);
    this.show();
    if (this.device.ended !== null) {
      this.end(this.device.ended);
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

  /** @param {ReadonlyMap<string, Outcome>} outcomes */
  #settle(outcomes) {
    for (const [transactionId, outcome] of outcomes) {
      this.#awaited.get(transactionId)?.resolve(outcome);
      this.#awaited.delete(transactionId);
    }
  }

  /** @param {string} transactionId */
  #unsure(transactionId) {
    this.device.step(transactionId, "unsure");
    this.show();
  }

  /** @param {string} transactionId */
  async #resendLater(transactionId) {
    this.#unsure(transactionId);
    await pause(this.#postponements.next());
    const decision = this.device.unanswered(transactionId);
    if (decision !== undefined && !this.#stopped) {
      this.#link.submit(decide(decision.token));
    }
  }

  /** @param {import("./model.js").State["connection"]} connection @param {number | null} retryAt */
  #connected(connection, retryAt) {
    if (connection !== "online") {
      for (const { challenge } of this.device.kept.unanswered) {
        this.device.step(challenge.transactionId, "unsure");
      }
    }
    this.connection = connection;
    this.retryAt = retryAt;
    this.show();
    if (connection === "elsewhere") {
      this.stop(new PhoneError("elsewhere"));
    }
  }

  async #mend() {
    this.#settle(this.device.forgetUnanswered());
    await this.#keepOrTell();
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
    const now = Date.now();
    const next = Math.min(...this.device.endings(now)) - now;
    if (Number.isFinite(next) && !this.#stopped) {
      this.#timer = setTimeout(() => this.#expire(), Math.min(Math.max(next, 0), LONGEST_TIMER_MS));
    }
  }

  async #expire() {
    this.#settle(this.device.expire(Date.now()));
    await this.#keepOrTell();
    this.show();
  }
}

/** @param {string} token */
function decide(token) {
  return { type: "decide", decision: token };
}

/** @param {import("./core/messages.js").Said<"order_refused">} refused */
function refusalOf({ reason, attempts_left: attemptsLeft, retry_after: retryAfter }) {
  const retryAt = retryAfter === null ? null : Date.now() + retryAfter * 1000;
  const codes = /** @type {const} */ ({
    factors: "wrong_pin",
    locked: "locked",
    paused: "paused",
    stale: "stale",
    unknown_device: "unknown_device",
    invalid_passkey: "invalid_passkey",
    too_many_passkeys: "too_many_passkeys",
    invalid_order: "refused",
    unavailable: "unreachable",
  });
  return new PhoneError(codes[reason], { attemptsLeft, retryAt });
}

function ignore() {}
