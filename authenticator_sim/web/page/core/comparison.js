// The six digits that a new phone shows and that are typed on the one that approves it.

import { sha256 } from "./bytes.js";

/**
 * @param {string} deviceId
 * @param {string} key thumbprint of the new phone's signing key
 * @returns {Promise<string>}
 */
export async function comparisonCode(deviceId, key) {
  const digest = await sha256(`ciba-comparison.v1\0${deviceId}\0${key}`);
  const number = new DataView(digest.buffer).getBigUint64(0) % 1_000_000n;
  return String(number).padStart(6, "0");
}
