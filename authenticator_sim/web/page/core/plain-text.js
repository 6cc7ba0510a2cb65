// What may stand on the screen: no text that hides, or changes the order of, what stands beside it.
//
// The service lets plain text through only (docs/device-protocol.md); the phone does not rely on it
// for what would deceive the eye: controls, line breaks, marks of direction, letters and marks that
// nobody sees.

const DECEIVING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Default_Ignorable_Code_Point}]/u;

/**
 * Whether all of a display is harmless.
 * @param {Readonly<Record<string, unknown>>} display
 * @returns {boolean}
 */
export function isHarmless(display) {
  return Object.values(display).every(isHarmlessValue);
}

/**
 * Whether a name is one that the service may take: 1 to 64 characters, none of them deceiving.
 * @param {string} name
 * @returns {boolean}
 */
export function isName(name) {
  return name === name.trim() && [...name].length >= 1 && [...name].length <= 64 && isText(name);
}

/** @param {string} text */
function isText(text) {
  return !DECEIVING.test(text) && text === text.normalize("NFC");
}

/** @param {unknown} value @returns {boolean} */
function isHarmlessValue(value) {
  if (typeof value === "string") {
    return isText(value);
  }
  if (Array.isArray(value)) {
    return value.every(isHarmlessValue);
  }
  return typeof value !== "object" || value === null || isHarmless({ ...value });
}
