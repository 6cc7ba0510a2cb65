// Wrong attempts in words; nobody says which of the factors was wrong.

/**
 * That something was not right, and how often it may be tried again.
 *
 * @param {number | null} left
 * @param {import("./en.js").Words} words
 * @returns {string}
 */
export function wrongAttempt(left, { confirm }) {
  const parts = [confirm.wrong];
  if (left !== null) {
    parts.push(confirm.attemptsLeft(left));
  }
  if (left === 1) {
    parts.push(confirm.lastAttempt);
  }
  return parts.join(" ");
}
