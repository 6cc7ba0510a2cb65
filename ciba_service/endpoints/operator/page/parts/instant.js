// Instants: when something was or will be, by the clock of the service.

import { serviceClock } from "../api/service_clock.js";
import { element } from "../look/dom.js";

const TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

/**
 * An instant as a time of day, with its day unless it is today.
 *
 * @param {string} at
 * @returns {HTMLElement}
 */
export function instant(at) {
  const date = new Date(at);
  const day = DAY.format(date);
  const text =
    day === DAY.format(serviceClock.now())
      ? TIME.format(date)
      : `${day}, ${TIME.format(date).slice(0, 5)}`;
  return element("time", { dateTime: at, title: date.toISOString(), class: "instant" }, text);
}

/**
 * How long there is until an instant, or how long ago it was; it goes on by itself.
 *
 * @param {string} at
 * @returns {HTMLElement}
 */
export function distance(at) {
  const date = new Date(at);
  return element(
    "time",
    { dateTime: at, title: date.toISOString(), class: "instant", "data-distance": "" },
    distanceText(date.getTime()),
  );
}

/**
 * @param {number} at milliseconds
 * @returns {string}
 */
function distanceText(at) {
  const seconds = Math.round((at - serviceClock.now()) / 1000);
  return seconds >= 0 ? `in ${duration(seconds)}` : `${duration(-seconds)} ago`;
}

/**
 * A number of seconds in the two largest units that it has.
 *
 * @param {number} seconds
 * @returns {string}
 */
export function duration(seconds) {
  if (seconds < 60) {
    return `${seconds} s`;
  }
  if (seconds < 3600) {
    const rest = seconds % 60;
    return rest ? `${Math.floor(seconds / 60)} min ${rest} s` : `${seconds / 60} min`;
  }
  if (seconds < 86_400) {
    return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  }
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** Let every distance on the page go on. */
export function tickDistances() {
  for (const each of document.querySelectorAll("time[data-distance]")) {
    const time = /** @type {HTMLTimeElement} */ (each);
    const text = distanceText(Date.parse(time.dateTime));
    if (time.textContent !== text) {
      time.textContent = text;
    }
  }
}
