// Which language the phone speaks: the one chosen here, else the first that the browser asks for.

import { de } from "./de.js";
import { en } from "./en.js";

/** @typedef {import("./en.js").Words} Words */
/** @typedef {"en" | "de"} Language */

/** @type {Readonly<Record<Language, Words>>} */
export const WORDS = Object.freeze({ en, de });

const KEPT = "ciba-language";

/**
 * The words of a language; challenges name theirs.
 *
 * @param {Language} language
 * @returns {Words}
 */
export function wordsIn(language) {
  return WORDS[language];
}

/**
 * The language of this person.
 *
 * @param {readonly string[]} preferred as `navigator.languages` has it
 * @returns {Language}
 */
export function chosenLanguage(preferred) {
  const tags = [kept() ?? "", ...preferred].map((tag) => tag.toLowerCase().split("-")[0]);
  const known = tags.find((tag) => tag === "en" || tag === "de");
  return known === "de" ? "de" : "en";
}

/**
 * Keep a choice for the next time; a browser that keeps nothing asks its own languages again.
 *
 * @param {Language} language
 */
export function keepLanguage(language) {
  try {
    localStorage.setItem(KEPT, language);
  } catch {
    // The choice holds for this page alone.
  }
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}
