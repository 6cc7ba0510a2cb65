// One request to the service and its answer, or a refusal.

import { Refusal } from "./refusal.js";

const SECONDS = 15;

/**
 * Send a request; the answer has a status that says that it was done.
 *
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<Response>}
 */
export async function send(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      signal: AbortSignal.timeout(SECONDS * 1000),
      credentials: "same-origin",
      redirect: "error",
      cache: "no-store",
      ...options,
    });
  } catch {
    throw new Refusal("offline");
  }
  if (!answer.ok) {
    throw new Refusal(await problemCode(answer));
  }
  return answer;
}

/**
 * Read a resource.
 *
 * @param {string} path
 * @returns {Promise<any>}
 */
export async function read(path) {
  return content(await send(path, { headers: { accept: "application/json" } }));
}

/**
 * What an answer holds; null when it holds nothing.
 *
 * @param {Response} answer
 * @returns {Promise<any>}
 */
export async function content(answer) {
  if (answer.status === 204) {
    return null;
  }
  try {
    return await answer.json();
  } catch {
    throw new Refusal("offline");
  }
}

/**
 * @param {Response} answer
 * @returns {Promise<string>}
 */
async function problemCode(answer) {
  try {
    const document = await answer.json();
    return typeof document.code === "string" ? document.code : "unavailable";
  } catch {
    return "unavailable";
  }
}
