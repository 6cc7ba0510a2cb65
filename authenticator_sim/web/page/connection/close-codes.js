// What the phone does after each close code: the table of docs/device-protocol.md.

/** @typedef {"mend" | "new_nonce" | "revoked" | "replaced" | "wait" | "back_off"} AfterClose */

/** @type {ReadonlyMap<number, AfterClose>} */
const TABLE = new Map([
  [4400, "mend"],
  [4401, "new_nonce"],
  [4403, "revoked"],
  [4409, "replaced"],
  [4425, "wait"],
]);

/**
 * All other codes, and a connection that just broke, ask for back-off.
 * @param {number} code
 * @returns {AfterClose}
 */
export function afterClose(code) {
  return TABLE.get(code) ?? "back_off";
}
