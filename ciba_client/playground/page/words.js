// Words for what the playground names.

/** @type {Record<string, string>} */
export const STATES = {
  starting: "Starting",
  waiting: "Waiting for the user",
  done: "Tokens received",
  refused: "Refused",
  denied: "Denied",
  expired: "Expired",
  cancelled: "Cancelled",
  failed: "Failed",
};

/** @type {Record<string, string>} */
export const TONES = {
  starting: "plain",
  waiting: "waiting",
  done: "good",
  refused: "bad",
  denied: "bad",
  expired: "bad",
  cancelled: "plain",
  failed: "bad",
};

/** @type {Record<string, string>} */
export const ACTORS = {
  client: "Client",
  service: "Service",
  phone: "Phone",
  resource: "Resource",
};

/** @type {Record<string, string>} */
export const ANSWERS = {
  "200-body": "200 with a body",
  204: "204 No Content",
  301: "301 redirect",
  401: "401 Unauthorized",
  403: "403 Forbidden",
  429: "429 Too Many Requests",
  500: "500 server error",
  reset: "reset the connection",
  nothing: "never answer",
};

/** @type {Record<string, string>} */
export const SIGNATURES = {
  verified: "Signature verified",
  own_word: "Signature fits the key in its own header",
  wrong: "Signature is wrong",
  unknown_key: "Signature not verified",
};

/** @type {Record<string, string>} */
export const USES = {
  userinfo: "Userinfo",
  refresh: "Refresh",
  introspect: "Introspect",
  receipt: "Receipt",
};

/**
 * Seconds as people read them.
 *
 * @param {number} seconds
 * @returns {string}
 */
export function duration(seconds) {
  if (seconds < 1) {
    return `${Math.round(seconds * 1000)} ms`;
  }
  return seconds < 100 ? `${seconds.toFixed(2)} s` : `${Math.round(seconds)} s`;
}

/**
 * Time left, as a clock shows it.
 *
 * @param {number} seconds
 * @returns {string}
 */
export function timeLeft(seconds) {
  const left = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
}
