// The time of the service: browsers' clocks may be wrong, and what ends, ends there.

class ServiceClock {
  #ahead = 0;

  /** Milliseconds since the epoch. */
  now() {
    return Date.now() + this.#ahead;
  }

  /**
   * Take over what the service says its time is.
   *
   * @param {string} time
   */
  learn(time) {
    this.#ahead = Date.parse(time) - Date.now();
  }
}

/** The one clock of the page. */
export const serviceClock = new ServiceClock();
