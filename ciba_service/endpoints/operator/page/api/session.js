// The session of an operator: a token is swapped for a cookie, and forgotten.
//
// The cookie is out of reach here. What must be shown to write is held in memory only; the browser
// keeps nothing but the hint that there may be a session, and until when.

import { Refusal } from "./refusal.js";
import { content, read, send } from "./requests.js";
import { serviceClock } from "./service_clock.js";

const PATH = "/operator/session";
const HINT = "ciba-operator-session";
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** Somebody who operates, until the session ends. */
export class Session {
  /** @param {import("./documents.js").SessionDocument} document */
  constructor(document) {
    this.operator = document.operator;
    this.mayWrite = document.roles.includes("write");
    this.expiresAt = Date.parse(document.expires_at ?? document.time);
    this.csrfToken = document.csrf_token ?? "";
  }

  /**
   * Change something.
   *
   * @param {"POST" | "DELETE"} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<any>}
   */
  async write(method, path, body) {
    try {
      return await this.#send(method, path, body);
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "csrf") {
        throw error;
      }
    }
    // The operator has signed in again in another window: nothing was done yet.
    const document = await read(PATH);
    if (document.operator !== this.operator) {
      throw new Refusal("unauthenticated");
    }
    this.csrfToken = document.csrf_token;
    return this.#send(method, path, body);
  }

  /** End the session, here and in every other window. */
  async end() {
    await this.write("DELETE", PATH);
    localStorage.removeItem(HINT);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object | undefined} body
   */
  async #send(method, path, body) {
    /** @type {Record<string, string>} */
    const headers = { "x-csrf-token": this.csrfToken };
    if (body !== undefined) {
      headers["content-type"] = "application/json";
    }
    const answer = await send(path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    });
    return content(answer);
  }
}

/**
 * Swap a token for a session.
 *
 * @param {string} token
 * @returns {Promise<Session>}
 */
export async function signIn(token) {
  if (!TOKEN.test(token)) {
    throw new Refusal("unauthenticated");
  }
  const headers = { authorization: `Bearer ${token}` };
  return opened(await content(await send(PATH, { method: "POST", headers })));
}

/**
 * The session that this browser has, if it has one.
 *
 * @returns {Promise<Session | null>}
 */
export async function present() {
  if (localStorage.getItem(HINT) === null) {
    return null;
  }
  try {
    return opened(await read(PATH));
  } catch (error) {
    if (error instanceof Refusal && error.code === "unauthenticated") {
      forget();
      return null;
    }
    throw error;
  }
}

/** Remember that there is no session any more. */
export function forget() {
  localStorage.removeItem(HINT);
}

/**
 * Call `changed` when a session begins or ends in another window.
 *
 * @param {() => void} changed
 */
export function watchOtherWindows(changed) {
  addEventListener("storage", (event) => {
    if (event.key === HINT || event.key === null) {
      changed();
    }
  });
}

/**
 * @param {import("./documents.js").SessionDocument} document
 * @returns {Session}
 */
function opened(document) {
  serviceClock.learn(document.time);
  if (document.expires_at !== null) {
    localStorage.setItem(HINT, document.expires_at);
  }
  return new Session(document);
}
