// Which challenges a phone believes: signed by a pinned key, for this service, all of it shown.

import { amountText } from "./amounts.js";
import { base64url, sha256 } from "./bytes.js";
import { areShown } from "./details.js";
import { Malformed, parseJsonBytes } from "./json.js";
import { isHarmless } from "./plain-text.js";
import {
  anyObject,
  closedObject,
  flag,
  integer,
  listOf,
  object,
  oneOf,
  orElse,
  orNull,
  text,
} from "./shapes.js";
import { NotAuthentic, verifySignature } from "./signatures.js";

export const CHALLENGE_TYP = "ciba-challenge+jws";
const VERSION = 1;

const payment = closedObject({
  amount: text,
  currency: text,
  creditor_name: text,
  creditor_iban: orNull(text),
  remittance_information: orNull(text),
});
const shownLine = closedObject({
  member: text,
  label: text,
  texts: listOf(text),
  worded: orElse(flag, false),
});
export const shownDetail = closedObject({ title: text, lines: listOf(shownLine) });
const display = closedObject({
  title: text,
  client: text,
  shares: listOf(text),
  binding_message: orNull(text),
  amount: orNull(text),
  payee: orNull(text),
  payee_account: orNull(text),
  remittance_information: orNull(text),
  details: orElse(listOf(shownDetail), []),
  logo: orNull(text),
});
const readContent = object({
  v: integer,
  iss: text,
  transaction_id: text,
  nonce: text,
  iat: integer,
  exp: integer,
  locale: text,
  display,
  factors: listOf(oneOf("device_key", "pin", "passkey", "otp", "verification_code")),
  passkey_for_pin: orElse(flag, false),
  scope: orElse(listOf(text), []),
  payments: orElse(listOf(payment), []),
  authorization_details: orElse(listOf(anyObject), []),
});

/** @typedef {ReturnType<typeof readContent>} Content */
/** @typedef {ReturnType<typeof shownLine>} ShownLine */
/** @typedef {ReturnType<typeof shownDetail>} ShownDetail */

/** The phone does not show this challenge. */
export class ChallengeRefused extends Error {
  name = "ChallengeRefused";

  /** @param {import("../model.js").ChallengeRefusal} reason */
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/**
 * What is left of a challenge that may be shown; `digest`, the hash of its exact bytes, is what a
 * decision signs (PSD2 RTS art. 5). Times are seconds of the service.
 * @typedef {Object} VerifiedChallenge
 * @property {string} transactionId
 * @property {string} digest
 * @property {Content["display"]} display
 * @property {"en" | "de"} locale
 * @property {readonly import("../model.js").Factor[]} factors
 * @property {boolean} passkeyForPin
 * @property {number} iat
 * @property {number} exp
 */

/**
 * Verify a challenge JWS against the pinned keys; raises `ChallengeRefused`.
 * @param {string} token
 * @param {{keys: readonly import("./keys.js").Jwk[], issuer: string, now: number}} by
 *   `now` is the service's time in milliseconds
 * @returns {Promise<VerifiedChallenge>}
 */
export async function verifyChallenge(token, { keys, issuer, now }) {
  const content = contentOf(await authentic(token, keys));
  const reason = refusalOf(content, issuer);
  if (reason !== null) {
    throw new ChallengeRefused(reason);
  }
  if (now >= content.exp * 1000) {
    throw new ChallengeRefused("expired");
  }
  return {
    transactionId: content.transaction_id,
    digest: base64url(await sha256(token)),
    display: content.display,
    locale: content.locale === "de" ? "de" : "en",
    factors: content.factors,
    passkeyForPin: content.passkey_for_pin,
    iat: content.iat,
    exp: content.exp,
  };
}

/** @param {string} token @param {readonly import("./keys.js").Jwk[]} keys */
async function authentic(token, keys) {
  try {
    return await verifySignature(token, { keys, typ: CHALLENGE_TYP });
  } catch (error) {
    throw error instanceof NotAuthentic ? new ChallengeRefused("not_authentic") : error;
  }
}

/** @param {Uint8Array} payload */
function contentOf(payload) {
  try {
    return readContent(parseJsonBytes(payload));
  } catch (error) {
    throw error instanceof Malformed ? new ChallengeRefused("malformed") : error;
  }
}

/**
 * @param {Content} content
 * @param {string} issuer
 * @returns {import("../model.js").ChallengeRefusal | null}
 */
function refusalOf(content, issuer) {
  if (content.v !== VERSION) {
    return "unknown_version";
  }
  if (content.iss !== issuer) {
    return "another_issuer";
  }
  if (!isHarmless(content.display)) {
    return "malformed";
  }
  if (!isPaymentShown(content)) {
    return "payment_not_shown";
  }
  return areShown(content.authorization_details, content.display.details)
    ? null
    : "details_not_shown";
}

/**
 * No payment is approved that was not displayed, whole and as it is; there is room for one
 * (PSD2 RTS art. 5(1)(a)).
 * @param {Content} content
 */
function isPaymentShown({ payments, display: shown, locale }) {
  if (payments.length === 0) {
    return !showsPayment(shown);
  }
  const [only] = payments;
  if (only === undefined || payments.length !== 1 || !shown.payee) {
    return false;
  }
  return (
    shown.amount !== null &&
    amountText(only.amount, only.currency, locale) === shown.amount &&
    only.creditor_name === shown.payee &&
    only.creditor_iban === (shown.payee_account?.replaceAll(" ", "") ?? null) &&
    only.remittance_information === shown.remittance_information
  );
}

/** @param {Content["display"]} shown */
function showsPayment({
  amount,
  payee,
  payee_account: account,
  remittance_information: reference,
}) {
  return [amount, payee, account, reference].some((each) => each !== null);
}
