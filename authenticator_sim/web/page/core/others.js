// What the service says of other phones of the user, and of those that wait to be one.

/** @typedef {{deviceId: string, name: string, key: string, since: number, until: number}} Newcomer */
/**
 * @template {import("./messages.js").ServiceMessage["type"]} Type
 * @typedef {import("./messages.js").Said<Type>} Said
 */

export class Others {
  #board;
  /** @type {Map<string, Newcomer>} */
  #newcomers = new Map();
  /** @type {Set<string>} */
  #unconfirmed = new Set();

  /** @param {import("./noticeboard.js").Noticeboard} board */
  constructor(board) {
    this.#board = board;
  }

  /** Phones that wait, whether their time is over or not. @returns {readonly Newcomer[]} */
  get newcomers() {
    return [...this.#newcomers.values()];
  }

  beginConnection() {
    this.#unconfirmed = new Set(this.#newcomers.keys());
  }

  /** Take off what the service did not name on this connection. */
  closeUnconfirmed() {
    for (const name of this.#unconfirmed) {
      this.#newcomers.delete(name);
    }
    this.#unconfirmed.clear();
  }

  /** @param {Said<"device_waiting">} waiting */
  waiting({ device_id: deviceId, name, key, since, until }) {
    this.#newcomers.set(deviceId, { deviceId, name, key, since, until });
    this.#unconfirmed.delete(deviceId);
  }

  /** A phone does not wait any more. @param {string} deviceId */
  gone(deviceId) {
    this.#newcomers.delete(deviceId);
  }

  /** @param {Said<"device_enrolled" | "device_rejected" | "device_revoked">} said @param {number} at */
  phone({ type, device_id: deviceId, name }, at) {
    this.gone(deviceId);
    this.#board.tellOnce(`${type} ${deviceId}`, { type, deviceId, name }, at);
  }

  /** @param {Said<"passkey_added" | "passkey_removed">} said @param {number} at */
  passkey({ type, device_id: deviceId, name, passkey_id: passkeyId }, at) {
    const news = { type, deviceId, name, passkeyId };
    this.#board.tellOnce(`${type} ${deviceId} ${passkeyId}`, news, at);
  }

  /** @param {Said<"attempts_warning">} said @param {number} when */
  attempts({ type, device_id: deviceId, name, attempts_left: attemptsLeft, at }, when) {
    const news = { type, deviceId, name, attemptsLeft };
    this.#board.tellOnce(`${type} ${deviceId} ${attemptsLeft} ${at}`, news, when);
  }
}
