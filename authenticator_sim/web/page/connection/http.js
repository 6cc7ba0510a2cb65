// One HTTP request at a time: bounded in time and size, no redirects, no cookies.

import { PhoneError } from "../errors.js";
import { boundedBody } from "./bounded.js";

const TIMEOUT_MS = 10_000;
const LARGEST_BODY = 1024 * 1024;

/** @typedef {{status: number, body: string}} HttpAnswer */

/**
 * Send a GET; raises `PhoneError` (`unreachable`).
 * @param {string} address
 * @returns {Promise<HttpAnswer>}
 */
export function get(address) {
  return send(address, { method: "GET" });
}

/**
 * Send JSON; raises `PhoneError` (`unreachable`).
 * @param {string} address
 * @param {string} body
 * @param {string} [authorization]
 * @returns {Promise<HttpAnswer>}
 */
export function post(address, body, authorization) {
  const headers = { "content-type": "application/json" };
  return send(address, {
    method: "POST",
    body,
    headers: authorization === undefined ? headers : { ...headers, authorization },
  });
}

/** @param {string} address @param {RequestInit} options @returns {Promise<HttpAnswer>} */
async function send(address, options) {
  try {
    const response = await fetch(address, {
      ...options,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body = await boundedBody(response, LARGEST_BODY);
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return { status: response.status, body: decoder.decode(body) };
  } catch (error) {
    throw new PhoneError("unreachable", { cause: error });
  }
}
