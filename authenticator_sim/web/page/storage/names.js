// What a phone is called in this browser: its number, and the service it belongs to. A site may be
// led to another service, and back; keys and names of one service must not be met by the other.

const NAME = /^ciba-phone-(?<number>[1-9][0-9]*)(?: (?<issuer>.+))?$/;

/**
 * The name of its database and of its lock.
 * @param {number} number
 * @param {string} issuer
 * @returns {string}
 */
export function phoneName(number, issuer) {
  return `${formerName(number)} ${issuer}`;
}

/**
 * The name that the database had when it was called by the number alone.
 * @param {number} number
 * @returns {string}
 */
export function formerName(number) {
  return `ciba-phone-${number}`;
}

/**
 * The number of a phone of this service, or one whose service its name does not tell; else null.
 * @param {string | undefined} name
 * @param {string} issuer
 * @returns {number | null}
 */
export function numberOf(name, issuer) {
  const { number, issuer: named = issuer } = NAME.exec(name ?? "")?.groups ?? {};
  return number !== undefined && named === issuer ? Number(number) : null;
}
