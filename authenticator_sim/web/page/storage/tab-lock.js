// One tab at a time drives a phone: the others wait for it to close, or take its place.

import { PhoneError } from "../errors.js";

/** Holds the lock of one phone in this tab. */
export class TabLock {
  #name;
  #onLost;
  /** @type {(() => void) | null} */
  #release = null;
  /** @type {AbortController | null} */
  #waiting = null;

  /**
   * @param {string} name
   * @param {() => void} onLost another tab took the lock away
   */
  constructor(name, onLost) {
    this.#name = name;
    this.#onLost = onLost;
  }

  /**
   * Take the lock unless another tab has it; raises `PhoneError` (`storage`) where the browser lends
   * none, as it does where pages may keep nothing.
   * @returns {Promise<boolean>}
   */
  async take() {
    return this.#request({ ifAvailable: true });
  }

  /** Take it from whoever has it. @returns {Promise<void>} */
  async steal() {
    this.#waiting?.abort();
    this.#release = null; // a lock of this very tab is lost by it, too
    await this.#request({ steal: true });
  }

  /** Resolves when the other tab has let go, to true; to false when `steal` or `release` came first. */
  async wait() {
    this.#waiting = new AbortController();
    return this.#request({ signal: this.#waiting.signal });
  }

  /** Let go. */
  release() {
    this.#waiting?.abort();
    this.#release?.();
    this.#release = null;
  }

  /** @param {LockOptions} options @returns {Promise<boolean>} */
  #request(options) {
    return new Promise((resolve, reject) => {
      const held = navigator.locks.request(this.#name, options, (lock) => {
        resolve(lock !== null);
        return lock === null ? undefined : this.#hold();
      });
      held.catch((cause) => {
        if (options.signal?.aborted) {
          resolve(false);
          return;
        }
        reject(new PhoneError("storage", { cause })); // unless it was there, and is lost
        if (this.#release !== null) {
          this.#release = null;
          this.#onLost();
        }
      });
    });
  }

  /** @returns {Promise<void>} until it is released */
  #hold() {
    return new Promise((resolve) => {
      this.#release = resolve;
    });
  }
}
