// How long to wait before trying again: doubling, capped, with random jitter.

const FIRST_MS = 500;
const LONGEST_MS = 30_000;
const MOST_DOUBLINGS = 16;

/** Delays from 250 to 500 ms, doubling with each attempt up to 15 to 30 s. */
export class Backoff {
  #attempt = 0;
  #randomBytes;

  /** @param {import("../core/bytes.js").RandomBytes} randomBytes */
  constructor(randomBytes) {
    this.#randomBytes = randomBytes;
  }

  /** Begin again with the shortest delay. */
  reset() {
    this.#attempt = 0;
  }

  /** The next delay, in milliseconds. @returns {number} */
  next() {
    const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(this.#attempt, MOST_DOUBLINGS));
    this.#attempt += 1;
    const [high = 0, low = 0] = this.#randomBytes(2);
    return Math.floor(ceiling / 2 + (((high << 8) | low) / 0xffff) * (ceiling / 2));
  }
}
