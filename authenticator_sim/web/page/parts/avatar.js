// The picture of a client: its logo where it has one that is signed for, else a monogram.

import { element } from "../look/dom.js";

const HUES = 12;

/**
 * Show who asks. The logo takes the monogram's place when it is there and is what was signed.
 *
 * @param {import("../model.js").Display} display
 * @param {import("./logos.js").Logos} logos
 * @returns {HTMLElement}
 */
export function avatar(display, logos) {
  const picture = element(
    "span",
    { class: "avatar", "data-hue": hue(display.client), "aria-hidden": "true" },
    initials(display.client),
  );
  if (display.logo) {
    void logos.find(display.logo).then((address) => {
      if (address !== null) {
        picture.classList.add("logo");
        picture.replaceChildren(element("img", { src: address, alt: "" }));
      }
    });
  }
  return picture;
}

/**
 * The first letters of the first and the last word of a name.
 *
 * @param {string} name
 * @returns {string}
 */
export function initials(name) {
  const words = name.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const chosen = words.length > 1 ? [words[0], words[words.length - 1]] : [words[0]];
  return chosen.map((word) => firstLetter(word ?? name)).join("");
}

/** @param {string} word */
function firstLetter(word) {
  return (word.match(/[\p{L}\p{N}]\p{M}*/u)?.[0] ?? "?").toLocaleUpperCase();
}

/** @param {string} name */
function hue(name) {
  let sum = 7;
  for (const letter of name) {
    sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 65_521;
  }
  return sum % HUES;
}
