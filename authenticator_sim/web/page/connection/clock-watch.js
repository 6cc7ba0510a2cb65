// Notices a clock that was set, or that went on while the machine slept.

const TOLERATED_MS = 2_000;

/** Holds this browser's clock against the one that nobody sets. */
export class ClockWatch {
  #apart = apart();

  /** What the clock says now is right. */
  begin() {
    this.#apart = apart();
  }

  /** Whether it says something else than it would have, since it was right or this was asked last. */
  wasSet() {
    const before = this.#apart;
    this.#apart = apart();
    return Math.abs(this.#apart - before) > TOLERATED_MS;
  }
}

function apart() {
  return Date.now() - performance.now();
}
