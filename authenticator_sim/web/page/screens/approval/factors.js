// What a request is confirmed with, in the order in which people are asked for it.

/** @typedef {import("../../model.js").Request} Request */
/** @typedef {import("../../words/en.js").Words} Words */

/**
 * Whether people give anything beyond the press of a button.
 *
 * @param {Request} request
 * @returns {boolean}
 */
export function asksForMore({ factors }) {
  return ["pin", "passkey", "otp"].some((name) =>
    factors.includes(/** @type {import("../../model.js").Factor} */ (name)),
  );
}

/**
 * Whether a passkey may be used, and whether it must be; `missing` where it must and there is none.
 *
 * @param {Request} request
 * @param {boolean} hasPasskey
 * @returns {"demanded" | "missing" | "allowed" | "no"}
 */
export function passkeyUse({ factors, passkeyForPin }, hasPasskey) {
  if (factors.includes("passkey")) {
    return hasPasskey ? "demanded" : "missing";
  }
  return passkeyForPin && hasPasskey ? "allowed" : "no";
}

/**
 * All factors as words.
 *
 * @param {Request} request
 * @param {boolean} hasPasskey
 * @param {Words} words
 * @returns {string}
 */
export function factorWords({ factors, passkeyForPin }, hasPasskey, words) {
  const named = factors.map((factor) =>
    factor === "pin" && passkeyForPin && hasPasskey
      ? words.request.pinOrPasskey
      : words.request.factors[factor],
  );
  return new Intl.ListFormat(words.tag, { type: "conjunction" }).format(named);
}
