// Several phones in one browser: each has a number, and a database of its own.

const DATABASE = /^ciba-phone-([1-9][0-9]*)$/;

/**
 * The numbers of the phones that this browser has, in order.
 *
 * @returns {Promise<number[]>}
 */
export async function phoneNumbers() {
  const databases = await indexedDB.databases().catch(() => []);
  return databases
    .map(({ name }) => Number(name?.match(DATABASE)?.[1] ?? 0))
    .filter((number) => number > 0)
    .sort((one, other) => one - other);
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
