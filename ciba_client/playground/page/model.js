// What this page knows: told by the stream, and what is chosen.

/**
 * @typedef {{text: string, specification: string, section: string}} Explanation
 * @typedef {"client" | "service" | "phone" | "resource"} Actor
 * @typedef {{sender: Actor, receiver: Actor, label: string, detail: string, tone: string,
 *   at: number, messages: number[], answer?: string, took?: number, count?: number}} Step
 * @typedef {{code: string, text: string, explanation: Explanation}} Problem
 * @typedef {{id: string, client: string, mode: string, state: string, title: string, hint: string,
 *   began_at: number, expires_at: number | null, interval: number | null,
 *   verification_code: string | null, transaction_id: string | null, subject: string | null,
 *   problem: Problem | null, ledger: boolean, can: string[], steps: Step[],
 *   left_out: number}} Flow
 * @typedef {{name: string, client_id: string, issuer: string, mode: string,
 *   authentication: string, algorithm: string, binding: string, signs_requests: boolean,
 *   user_code: boolean, endpoint: string}} Client
 */

export class Model {
  /** @type {Client[]} */
  clients = [];
  /** Whom the form asks at first. */
  login_hint = "";
  /** @type {string[]} */
  answers = [];
  /** @type {string | null} */
  answer = null;
  /** @type {Map<string, Flow>} */
  flows = new Map();
  /** @type {string | null} */
  chosen = null;
  /** The message that is open, by its number. @type {number | null} */
  message = null;
  /** How far the clock of the playground is ahead of this one, in milliseconds. */
  ahead = 0;

  /** @returns {Flow | undefined} */
  get flow() {
    return this.chosen === null ? undefined : this.flows.get(this.chosen);
  }

  /** The time of the playground, in seconds since the epoch. */
  now() {
    return (Date.now() + this.ahead) / 1000;
  }

  /**
   * Take over what the stream tells.
   *
   * @param {string} name
   * @param {any} data
   */
  hear(name, data) {
    if (name === "hello") {
      this.ahead = data.now * 1000 - Date.now();
      ({ clients: this.clients, answers: this.answers, answer: this.answer } = data);
      this.login_hint = data.login_hint;
      this.flows = new Map(data.flows.map((/** @type {Flow} */ flow) => [flow.id, flow]));
    } else if (name === "flow") {
      this.flows.set(data.id, data);
    } else if (name === "gone") {
      this.flows.delete(data.id);
    } else if (name === "endpoint") {
      this.answer = data.answer;
    }
    if (this.flow === undefined) {
      this.chosen = [...this.flows.keys()].at(-1) ?? null;
    }
  }
}
