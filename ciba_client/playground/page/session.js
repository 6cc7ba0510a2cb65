// The secret of this session: it comes in the fragment of the address, which no server is sent, and
// is kept by this tab alone, so that a reload works. It goes back in a header, never in a cookie.

const KEY = "playground-session";

/** What was refused, in words for people. */
export class Refused extends Error {
  /**
   * @param {string} text
   * @param {number} status
   */
  constructor(text, status) {
    super(text);
    this.status = status;
  }
}

/** Take the secret out of the address, where it would be read over a shoulder. */
export function beginSession() {
  const secret = location.hash.slice(1);
  if (secret) {
    sessionStorage.setItem(KEY, secret);
    history.replaceState(null, "", location.pathname);
  }
}

/**
 * Ask the playground; raises `Refused`, or a `TypeError` when it cannot be reached.
 *
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<Response>}
 */
export async function ask(path, options = {}) {
  const authorization = `Bearer ${sessionStorage.getItem(KEY) ?? ""}`;
  const headers = { authorization, "content-type": "application/json" };
  const answer = await fetch(path, { ...options, headers, cache: "no-store" });
  if (!answer.ok) {
    const { error } = await answer.json().catch(() => ({ error: "The playground failed." }));
    throw new Refused(error, answer.status);
  }
  return answer;
}

/**
 * Fetch JSON.
 *
 * @param {string} path
 * @returns {Promise<any>}
 */
export async function read(path) {
  return (await ask(path)).json();
}

/**
 * Do something.
 *
 * @param {string} path
 * @param {unknown} [content]
 * @returns {Promise<any>}
 */
export async function post(path, content = {}) {
  return (await ask(path, { method: "POST", body: JSON.stringify(content) })).json();
}
