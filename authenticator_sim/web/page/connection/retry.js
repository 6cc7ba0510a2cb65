// Try something again while the service cannot be reached, a few times, with back-off.

import { PhoneError } from "../errors.js";
import { Backoff } from "./backoff.js";
import { pause } from "./pause.js";

const ATTEMPTS = 4;

/**
 * The first result; raises the last `unreachable` when there is none, and at once when this machine
 * has no network.
 * @template T
 * @param {() => Promise<T>} attempt
 * @param {import("../core/bytes.js").RandomBytes} randomBytes
 * @returns {Promise<T>}
 */
export async function withRetries(attempt, randomBytes) {
  const backoff = new Backoff(randomBytes);
  for (let left = ATTEMPTS; ; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      const isUnreachable = error instanceof PhoneError && error.code === "unreachable";
      if (!isUnreachable || left <= 1 || !navigator.onLine) {
        throw error;
      }
    }
    await pause(backoff.next());
  }
}
