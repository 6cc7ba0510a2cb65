// Activation codes as people type them; the service reads them in the same way.

// Twelve, but where a configuration for development presets another one.
const CODE = /^[0-9A-Z]{8,64}$/;

/**
 * Whether it can be one: letters and digits, however written.
 *
 * @param {string} text
 * @returns {boolean}
 */
export function isActivationCode(text) {
  return CODE.test(normalCode(text));
}

/**
 * The code of a link, in groups of four, or null where its fragment is none.
 *
 * @param {string} fragment with or without `#`
 * @returns {string | null}
 */
export function codeOfLink(fragment) {
  const code = normalCode(fragment.replace(/^#/, ""));
  return CODE.test(code) ? (code.match(/.{1,4}/g) ?? []).join("-") : null;
}

/** @param {string} text */
function normalCode(text) {
  return text.toUpperCase().replace(/[\s-]/g, "").replace(/[IL]/g, "1").replaceAll("O", "0");
}
