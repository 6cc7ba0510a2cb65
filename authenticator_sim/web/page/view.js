// What there is to show of a phone, as one frozen state.

import { comparisonCode } from "./core/comparison.js";

/**
 * @typedef {import("./model.js").State} State
 * @typedef {import("./running.js").RunningPhone} RunningPhone
 */

/** A phone of which nothing is known yet. @type {State} */
export const EMPTY = Object.freeze({
  stage: "new",
  endedBecause: null,
  connection: "offline",
  retryAt: null,
  issuer: null,
  subject: null,
  deviceName: null,
  deviceId: null,
  comparisonCode: null,
  waitsUntil: null,
  serviceTimeOffset: 0,
  hasPasskey: false,
  pinChangePending: false,
  requests: Object.freeze([]),
  history: Object.freeze([]),
  newcomers: Object.freeze([]),
  notices: Object.freeze([]),
  reportable: Object.freeze([]),
  locked: false,
  problem: null,
});

/**
 * @param {RunningPhone} running
 * @param {number} now
 * @returns {Promise<State>}
 */
export async function stateOf(running, now) {
  const { device, connection, retryAt, problem } = running;
  const { identity, history, noticed } = device.kept;
  const { deviceId, thumbprint, approvalUntil, passkeys, rpId } = identity;
  const isWaiting = approvalUntil !== null;
  return Object.freeze({
    stage: isWaiting ? "waiting" : "ready",
    endedBecause: null,
    connection,
    retryAt,
    issuer: identity.issuer,
    subject: identity.subject,
    deviceName: identity.name,
    deviceId,
    comparisonCode: isWaiting ? await comparisonCode(deviceId, thumbprint) : null,
    waitsUntil: isWaiting ? approvalUntil * 1000 - device.offset : null,
    serviceTimeOffset: device.offset,
    hasPasskey: rpId !== null && passkeys.length > 0,
    pinChangePending: identity.pendingPin !== null,
    requests: Object.freeze(device.requests.open.map((prompt) => requestOf(prompt, device.offset))),
    history: Object.freeze(history),
    newcomers: Object.freeze(newcomersOf(device, now)),
    notices: Object.freeze(noticed.list),
    reportable: Object.freeze(reportableOf(device, now)),
    locked: device.locked,
    problem,
  });
}

/**
 * @param {import("./core/prompts.js").Prompt} prompt
 * @param {number} offset
 * @returns {import("./model.js").Request}
 */
function requestOf({ challenge, step, refusal }, offset) {
  const { transactionId, display, locale, factors, passkeyForPin, iat, exp } = challenge;
  return Object.freeze({
    transactionId,
    display,
    locale,
    factors,
    passkeyForPin,
    issuedAt: iat * 1000 - offset,
    expiresAt: exp * 1000 - offset,
    step,
    refusal,
  });
}

/** @param {import("./core/device.js").Device} device @param {number} now */
function reportableOf({ board, requests, offset }, now) {
  return board.kept.list
    .filter((notice) => notice.type === "request_withdrawn")
    .map((notice) => notice.transactionId)
    .filter((name) => requests.reportable(name, now + offset) !== null);
}

/** @param {import("./core/device.js").Device} device @param {number} now */
function newcomersOf(device, now) {
  return device.others.newcomers
    .map(({ deviceId, name, since, until }) => ({
      deviceId,
      name,
      since: since * 1000 - device.offset,
      until: until * 1000 - device.offset,
    }))
    .filter((newcomer) => newcomer.until > now);
}
