// Enrolment: keys are made and kept, the code is handed in, the answer is taken in.

import { post } from "../connection/http.js";
import { withRetries } from "../connection/retry.js";
import { isProtected } from "../core/addresses.js";
import { base64url, sha256 } from "../core/bytes.js";
import { completeEnrolment, enrolmentAnswer, newEnrolment } from "../core/enrolment.js";
import { Malformed, parseJson } from "../core/json.js";
import { flawOfChosenPin } from "../core/pin.js";
import { isName } from "../core/plain-text.js";
import { PhoneError } from "../errors.js";

/**
 * @typedef {import("../storage/vault.js").Vault} Vault
 * @typedef {import("../core/bytes.js").RandomBytes} RandomBytes
 * @typedef {import("../model.js").Enrolment} Enrolment
 */

/**
 * Enrol, and return what the phone is; raises `PhoneError`. The request is kept before it goes out:
 * when its answer was lost, also with the page, the same code brings the same request again, and
 * the service the same answer.
 * @param {Vault} vault
 * @param {Enrolment & {issuer: string}} wanted
 * @param {RandomBytes} randomBytes
 * @returns {Promise<import("../core/identity.js").Identity>}
 */
export async function enrol(vault, wanted, randomBytes) {
  verify(wanted);
  const pending = await request(vault, wanted, randomBytes);
  const answer = await withRetries(() => handIn(pending), randomBytes).catch(async (error) => {
    if (error instanceof PhoneError && error.code === "enrolment_refused") {
      await vault.keepEnrolment(null); // the codes in it are worth nothing, and are nobody's
    }
    throw error;
  });
  try {
    return await completeEnrolment(pending, answer, { pin: wanted.pin, randomBytes });
  } catch (error) {
    throw error instanceof Malformed ? new PhoneError("untrusted", { cause: error }) : error;
  }
}

/** @param {Enrolment & {issuer: string}} wanted */
function verify({ issuer, name, pin }) {
  const flaw = flawOfChosenPin(pin);
  if (flaw !== null) {
    throw new PhoneError(flaw);
  }
  if (!isName(name)) {
    throw new PhoneError("invalid_name");
  }
  if (!isProtected(issuer, "http")) {
    throw new PhoneError("invalid_issuer");
  }
}

/** @param {Vault} vault @param {Enrolment & {issuer: string}} wanted @param {RandomBytes} randomBytes */
async function request(vault, wanted, randomBytes) {
  const { issuer, name } = wanted;
  const activationCode = wanted.activationCode.trim();
  const secondSecret = wanted.secondSecret?.trim() || undefined;
  const said = JSON.stringify([issuer, activationCode, secondSecret ?? null, name]);
  const typed = base64url(await sha256(said));
  const interrupted = await vault.enrolment();
  if (interrupted?.typed === typed) {
    return interrupted.pending;
  }
  const who = { issuer, activationCode, secondSecret, name };
  const pending = await newEnrolment(who, { now: Date.now(), randomBytes });
  await vault.keepEnrolment({ pending, typed });
  return pending;
}

/** @param {import("../core/enrolment.js").PendingEnrolment} pending */
async function handIn({ issuer, body }) {
  const answer = await post(`${issuer}/device/enrolments`, body);
  if (answer.status === 400) {
    throw new PhoneError("enrolment_refused");
  }
  if (answer.status !== 201) {
    throw new PhoneError("unreachable");
  }
  try {
    return enrolmentAnswer(parseJson(answer.body));
  } catch (error) {
    throw error instanceof Malformed ? new PhoneError("untrusted", { cause: error }) : error;
  }
}
