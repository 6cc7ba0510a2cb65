// Calls out the time that is left to those who cannot see the ring: rarely, and each once.

const CALLED_AT = [60, 30, 10];

/** Knows which seconds were called. */
export class TimeCalls {
  #called = Number.POSITIVE_INFINITY;

  /**
   * Whether so many seconds are worth a word now.
   *
   * @param {number} seconds
   * @returns {boolean}
   */
  isDue(seconds) {
    const passed = CALLED_AT.filter((each) => seconds <= each);
    const least = Math.min(...passed);
    const due = passed.length > 0 && least < this.#called;
    this.#called = due ? least : this.#called;
    return due;
  }
}
