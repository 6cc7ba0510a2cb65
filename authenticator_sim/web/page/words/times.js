// Times as people write them.

/**
 * What is left, as minutes and seconds; never negative.
 *
 * @param {number} milliseconds
 * @returns {string}
 */
export function remaining(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/**
 * A day as a heading: today, yesterday, or its date.
 *
 * @param {number} at milliseconds
 * @param {number} now
 * @param {import("./en.js").Words} words
 * @returns {string}
 */
export function dayOf(at, now, words) {
  const daysAgo = Math.round((startOfDay(now) - startOfDay(at)) / 86_400_000);
  if (daysAgo === 0) {
    return words.today;
  }
  return daysAgo === 1 ? words.yesterday : dateOf(at, words);
}

/**
 * A date with its year.
 *
 * @param {number} at milliseconds
 * @param {import("./en.js").Words} words
 * @returns {string}
 */
export function dateOf(at, words) {
  return new Intl.DateTimeFormat(locale(words), { dateStyle: "long" }).format(at);
}

/**
 * The time of a day.
 *
 * @param {number} at milliseconds
 * @param {import("./en.js").Words} words
 * @returns {string}
 */
export function clockTime(at, words) {
  return new Intl.DateTimeFormat(locale(words), { timeStyle: "short" }).format(at);
}

/**
 * The first language of this browser that is the one of the words, for how it writes dates.
 *
 * @param {import("./en.js").Words} words
 */
function locale({ tag }) {
  return navigator.languages.find((each) => each.toLowerCase().split("-")[0] === tag) ?? tag;
}

/** @param {number} at */
function startOfDay(at) {
  return new Date(at).setHours(0, 0, 0, 0);
}
