// The phone over HTTPS: one nonce, one signed message, one answer with all its frames.

import { Malformed, parseJson } from "../core/json.js";
import { parseExchange, parseFrame } from "../core/messages.js";
import { sessionProof } from "../core/sessions.js";
import { object, text } from "../core/shapes.js";
import { PhoneError } from "../errors.js";
import { get, post } from "./http.js";

/** @typedef {import("../core/messages.js").ServiceMessage} ServiceMessage */

/**
 * What a 403 says when it is the service that says it: keys are destroyed for nothing less.
 * @type {ReadonlyMap<string | null, "not_approved" | "ended">}
 */
const REFUSALS = new Map([
  ["device_not_approved", "not_approved"],
  ["device_revoked", "ended"],
]);
const readRefusal = object({ error: text });

/**
 * Say something once and return what the service answers; raises `PhoneError` (`unreachable`,
 * `untrusted`, `not_approved`, `ended`, `refused`).
 * @param {object} message
 * @param {() => import("../core/identity.js").Means} means
 * @returns {Promise<readonly ServiceMessage[]>}
 */
export async function exchange(message, means) {
  const body = JSON.stringify(message);
  const first = await attempt(body, means());
  // The nonce may have gone stale on its way: once more.
  const { status, body: answer } = first.status === 401 ? await attempt(body, means()) : first;
  const refusal = status === 403 ? REFUSALS.get(errorOf(answer)) : undefined;
  if (refusal !== undefined) {
    throw new PhoneError(refusal);
  }
  if (status === 400) {
    throw new PhoneError("refused");
  }
  if (status !== 200) {
    throw new PhoneError("unreachable");
  }
  return read(parseExchange, answer);
}

/**
 * A nonce for an order; raises `PhoneError` (`unreachable`, `untrusted`).
 * @param {import("../core/identity.js").Identity} identity
 * @returns {Promise<string>}
 */
export async function freshNonce({ messages, issuer }) {
  const { status, body } = await get(new URL("nonce", messages).href);
  if (status !== 200) {
    throw new PhoneError("unreachable");
  }
  const hello = read(parseFrame, body);
  if (hello.type !== "hello") {
    throw new PhoneError("unreachable");
  }
  if (hello.issuer !== issuer) {
    throw new PhoneError("untrusted");
  }
  return hello.nonce;
}

/** @param {string} body @param {import("../core/identity.js").Means} means */
async function attempt(body, means) {
  const nonce = await freshNonce(means.identity);
  const proof = await sessionProof({ nonce, body }, means);
  return post(means.identity.messages, body, `Device ${proof}`);
}

/** @param {string} answer */
function errorOf(answer) {
  try {
    return readRefusal(parseJson(answer)).error;
  } catch (error) {
    if (error instanceof Malformed) {
      return null;
    }
    throw error;
  }
}

/**
 * @template T
 * @param {(text: string) => T} parse
 * @param {string} answer
 * @returns {T}
 */
function read(parse, answer) {
  try {
    return parse(answer);
  } catch (error) {
    throw error instanceof Malformed ? new PhoneError("unreachable", { cause: error }) : error;
  }
}
