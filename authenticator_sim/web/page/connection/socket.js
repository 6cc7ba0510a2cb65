// One WebSocket: frames in order, and the code that it closed with.

import { parseFrame, SUBPROTOCOL } from "../core/messages.js";

/** @typedef {import("../core/messages.js").ServiceMessage} ServiceMessage */

const BROKEN = 1006;
const NORMAL = 1000;
const LARGEST_FRAME = 16 * 1024;
/** More than any service says at once; one that says more is not listened to. */
const MOST_FRAMES = 1_000;

/** The connection is over. */
export class Closed extends Error {
  name = "Closed";

  /** @param {number} code */
  constructor(code) {
    super(String(code));
    this.code = code;
  }
}

export class Socket {
  #socket;
  /** @type {string[]} */
  #frames = [];
  /** @type {number | null} */
  #closed = null;
  /** @type {(() => void) | null} */
  #wake = null;

  /** @param {string} address */
  constructor(address) {
    this.#socket = opened(address);
    if (this.#socket === null) {
      this.#closed = BROKEN;
      return;
    }
    this.#socket.onmessage = ({ data }) => this.#take(data);
    this.#socket.onclose = ({ code }) => this.#end(code);
  }

  /**
   * The next message; raises `Closed`, or `Malformed` for what is none.
   * @returns {Promise<ServiceMessage>}
   */
  async next() {
    while (this.#frames.length === 0) {
      if (this.#closed !== null) {
        throw new Closed(this.#closed);
      }
      await new Promise((resolve) => {
        this.#wake = () => resolve(undefined);
      });
    }
    return parseFrame(/** @type {string} */ (this.#frames.shift()));
  }

  /** Send a message, if the connection still is. @param {object} message */
  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify(message));
    }
  }

  /** End it here and now, without waiting for the other side. */
  close() {
    this.#socket?.close(NORMAL);
    this.#end(BROKEN);
  }

  /** @param {unknown} data */
  #take(data) {
    const isFull = this.#frames.length >= MOST_FRAMES;
    if (typeof data !== "string" || data.length > LARGEST_FRAME || isFull) {
      this.close();
      return;
    }
    this.#frames.push(data);
    this.#wake?.();
  }

  /** @param {number} code */
  #end(code) {
    this.#closed ??= code;
    this.#wake?.();
  }
}

/** @param {string} address @returns {WebSocket | null} null where this browser lets none through */
function opened(address) {
  try {
    return new WebSocket(address, SUBPROTOCOL);
  } catch (error) {
    if (error instanceof DOMException) {
      return null;
    }
    throw error;
  }
}
