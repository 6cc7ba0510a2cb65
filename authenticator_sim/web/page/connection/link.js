// Keeps one phone connected: by WebSocket, or message by message over HTTPS where there is none.

import { Untrusted } from "../core/device.js";
import { Malformed } from "../core/json.js";
import { PhoneError } from "../errors.js";
import { Backoff } from "./backoff.js";
import { afterClose } from "./close-codes.js";
import { pause } from "./pause.js";
import { Closed, Socket } from "./socket.js";

const HANDSHAKE_MS = 10_000;
const SILENCE_MS = 60_000;
const APPROVAL_MS = 3_000;
const ROUND_MS = 2_000;
/** Attempts at a socket before it is done without, and rounds without before another attempt. */
const SOCKETS = 2;
const ROUNDS = 15;

/**
 * The phone as its connection sees it.
 * @typedef {Object} Connected
 * @property {() => string} address of the WebSocket
 * @property {() => void} begin called before the first message of a new connection
 * @property {(message: import("../core/messages.js").ServiceMessage)
 *   => Promise<readonly object[]>} receive returns what to reply; raises `Untrusted`
 * @property {(message: object) => Promise<readonly object[]>} ask over HTTPS, once
 * @property {() => readonly object[]} unanswered decisions to be sent again
 * @property {(connection: Connection, retryAt: number | null) => void} changed
 * @property {() => void} revoked
 * @property {() => void} mend the service could not read what this phone sent
 * @property {() => void} distrust
 */
/** @typedef {import("../model.js").State["connection"]} Connection */

export class Link {
  #phone;
  #backoff;
  #stopped = false;
  #isRenewing = false;
  #failed = 0;
  /** @type {Socket | null} */
  #socket = null;
  #isWelcome = false;
  #withoutSocket = false;
  /** Whether the next attempt need not be shown: the service was there a moment ago. */
  #isQuiet = false;
  #sleep = new AbortController();
  #onOnline = () => this.reconnect();
  #onOffline = () => this.renew();
  #onVisible = () => {
    if (document.visibilityState === "visible") {
      this.reconnect();
    }
  };

  /**
   * @param {Connected} phone
   * @param {import("../core/bytes.js").RandomBytes} randomBytes
   */
  constructor(phone, randomBytes) {
    this.#phone = phone;
    this.#backoff = new Backoff(randomBytes);
  }

  /** Connect, and connect again, until it is stopped. @returns {Promise<void>} */
  async run() {
    addEventListener("online", this.#onOnline);
    addEventListener("offline", this.#onOffline);
    document.addEventListener("visibilitychange", this.#onVisible);
    while (!this.#stopped) {
      if (navigator.onLine) {
        await this.#attempt();
      } else {
        this.#phone.changed("offline", null);
        await this.#wait(null);
      }
    }
  }

  /** Let go for good. */
  stop() {
    this.#stopped = true;
    removeEventListener("online", this.#onOnline);
    removeEventListener("offline", this.#onOffline);
    document.removeEventListener("visibilitychange", this.#onVisible);
    this.#socket?.close();
    this.#sleep.abort();
  }

  /** End this connection, and begin another. */
  renew() {
    this.#socket?.close();
  }

  /** Connect now rather than later. */
  reconnect() {
    this.#sleep.abort();
  }

  /**
   * Send a decision now if that can be; else the next connection begins with it.
   * @param {object} decide
   * @returns {boolean} whether it is on its way
   */
  submit(decide) {
    if (this.#socket !== null && this.#isWelcome) {
      this.#socket.send(decide);
      return true;
    }
    this.reconnect();
    return this.#withoutSocket;
  }

  /** Send a receipt now, or never: one that is lost is no loss. @param {object} receipt */
  tell(receipt) {
    if (this.#isWelcome) {
      this.#socket?.send(receipt);
    } else if (this.#withoutSocket) {
      this.#phone.ask(receipt).catch(ignoreUnreachable);
    }
  }

  async #attempt() {
    if (this.#failed >= SOCKETS && (await this.#rounds())) {
      this.#isQuiet = true;
      return;
    }
    if (!this.#isQuiet) {
      this.#phone.changed("connecting", null);
    }
    this.#isQuiet = false;
    const code = await this.#connection();
    if (this.#stopped) {
      return;
    }
    const after = afterClose(code);
    const isAtOnce = after === "new_nonce" && !this.#isRenewing;
    this.#isRenewing = after === "new_nonce";
    if (after === "revoked") {
      this.#phone.revoked();
    } else if (after === "replaced") {
      this.stop();
      this.#phone.changed("elsewhere", null);
    } else if (after === "wait") {
      await this.#waitForApproval();
    } else if (!isAtOnce) {
      await this.#later(after === "mend");
    }
  }

  async #waitForApproval() {
    this.#phone.changed("online", null);
    this.#isQuiet = true;
    await this.#wait(APPROVAL_MS);
  }

  /** @param {boolean} isMending */
  async #later(isMending) {
    if (isMending) {
      this.#phone.mend();
    }
    const delay = this.#backoff.next();
    this.#phone.changed(navigator.onLine ? "connecting" : "offline", Date.now() + delay);
    await this.#wait(delay);
  }

  /** One connection from begin to end. @returns {Promise<number>} its close code */
  async #connection() {
    const socket = new Socket(this.#phone.address());
    this.#socket = socket;
    this.#phone.begin();
    const handshake = setTimeout(() => socket.close(), HANDSHAKE_MS);
    this.#failed += 1;
    try {
      for (;;) {
        const message = await this.#next(socket);
        this.#failed = 0;
        const replies = await this.#phone.receive(message);
        if (message.type === "welcome") {
          clearTimeout(handshake);
          this.#welcomed();
        }
        for (const reply of replies) {
          socket.send(reply);
        }
        if (message.type === "fetched") {
          this.#backoff.reset();
        }
      }
    } catch (error) {
      return this.#codeOf(error);
    } finally {
      clearTimeout(handshake);
      this.#isWelcome = false;
      this.#socket = null;
      socket.close();
    }
  }

  #welcomed() {
    this.#isWelcome = true;
    this.#phone.changed("online", null);
  }

  /** The next message; a connection that says nothing is asked whether it still is. @param {Socket} socket */
  async #next(socket) {
    let asked = setTimeout(() => {
      socket.send({ type: "fetch" });
      asked = setTimeout(() => socket.close(), HANDSHAKE_MS);
    }, SILENCE_MS);
    try {
      return await socket.next();
    } finally {
      clearTimeout(asked);
    }
  }

  /** @param {unknown} error @returns {number} */
  #codeOf(error) {
    if (error instanceof Closed) {
      return error.code;
    }
    if (error instanceof Malformed) {
      return 0;
    }
    if (error instanceof Untrusted) {
      this.#phone.distrust();
      return 0;
    }
    throw error;
  }

  /** Do without a socket for a while. @returns {Promise<boolean>} whether the service answered */
  async #rounds() {
    this.#failed = SOCKETS - 1;
    try {
      for (let round = 0; round < ROUNDS && !this.#stopped && navigator.onLine; round += 1) {
        await this.#round();
        this.#withoutSocket = true;
        this.#phone.changed("online", null);
        await this.#wait(ROUND_MS);
      }
      return true;
    } catch (error) {
      ignoreUnreachable(error);
      return false;
    } finally {
      this.#withoutSocket = false;
    }
  }

  async #round() {
    for (const decide of this.#phone.unanswered()) {
      await this.#phone.ask(decide);
    }
    this.#phone.begin();
    for (const reply of await this.#phone.ask({ type: "fetch" })) {
      await this.#phone.ask(reply);
    }
  }

  /** @param {number | null} milliseconds null: until `reconnect` */
  async #wait(milliseconds) {
    if (this.#stopped) {
      return;
    }
    this.#sleep = new AbortController();
    await pause(milliseconds ?? 2 ** 31 - 1, this.#sleep.signal);
  }
}

/** @param {unknown} error */
function ignoreUnreachable(error) {
  if (!(error instanceof PhoneError)) {
    throw error;
  }
}
