// What the service refuses, by the code of its problem document; and what never reached it.

/** A refusal: `code` is that of the problem, or `offline` when there was no answer. */
export class Refusal extends Error {
  /** @param {string} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** @type {Record<string, string>} */
const SENTENCES = {
  offline: "The service cannot be reached from here.",
  malformed_request: "The browser sent something that the service does not take. Reload the page.",
  invalid_query: "The service does not take this search.",
  invalid_cursor: "The list has changed too much to go on from here. Reload the page.",
  invalid_body: "The service did not take what the page sent.",
  unauthenticated: "You are not signed in any more.",
  forbidden: "You may look, but not change anything: this needs the role write.",
  cross_site: "The service takes this from its own page only. Open the page by its own address.",
  csrf: "You have signed in again in another window. Please try once more.",
  not_found: "There is no such thing here, or not any more.",
  method_not_allowed: "The service cannot do this.",
  too_slow: "The connection was too slow. Please try again.",
  has_phone: "The user has a phone by now. Reset the user, or make a code for a further phone.",
  settled: "The request is over already, in another way: there is nothing left to cancel.",
  not_approved: "Nobody approved this request, or the approval counts no more.",
  not_abandoned: "The callback is due or was delivered: nothing was given up.",
  redeemed: "The client has its tokens already. There is nothing more to tell it.",
  nothing_kept: "The request was cancelled: nothing is to be told.",
  configured: "This client stands in the configuration, and is changed there.",
  too_large: "What the page sent is too large.",
  unsupported: "The service did not take what the page sent.",
  misdirected: "The service does not know itself by this host name. See operator.base_url.",
  too_many_attempts: "Too many wrong tokens came from this address. Wait a minute.",
  defect: "The service has failed. Its log says why.",
  unavailable: "The service cannot answer at the moment. It is tried again.",
  unreadable: "This record was written by another version of the service.",
};

/** @type {ReadonlySet<string>} */
export const PROBLEM_CODES = new Set(Object.keys(SENTENCES));

/**
 * A refusal in a sentence.
 *
 * @param {Refusal} refusal
 * @returns {string}
 */
export function refusalSentence(refusal) {
  return SENTENCES[refusal.code] ?? "The service refused this, and the page does not know why.";
}

/**
 * What an error says, if it is a refusal; every other error is a defect of the page, and goes on.
 *
 * @param {unknown} error
 * @returns {Refusal}
 */
export function asRefusal(error) {
  if (error instanceof Refusal) {
    return error;
  }
  throw error;
}
