// Several phones in one browser: each has a number, and a database of its own.

import { numberOf } from "../storage/names.js";

/**
 * The numbers of the phones that this browser has for a service, in order.
 *
 * @param {string} issuer
 * @returns {Promise<number[]>}
 */
export async function phoneNumbers(issuer) {
  const databases = await indexedDB.databases().catch(() => []);
  const numbers = databases.map(({ name }) => numberOf(name, issuer));
  const known = new Set(numbers.filter((number) => number !== null));
  return [...known].sort((one, other) => one - other);
}

/**
 * The number of the next phone.
 *
 * @param {readonly number[]} numbers those there are
 * @returns {number}
 */
export function nextNumber(numbers) {
  return Math.max(1, ...numbers) + 1;
}
