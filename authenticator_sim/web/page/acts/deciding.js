// The user decides: an approval with the factors asked for, or a denial.

import { pause } from "../connection/pause.js";
import { newApproval, newDenial, userFactors } from "../core/decisions.js";
import { otpCode, otpStep, stepBegin } from "../core/otp.js";
import { PhoneError } from "../errors.js";
import { kept } from "./keeping.js";
import { unwrappedPinKey } from "./ordering.js";
import { passkeyProof } from "./passkeys.js";

/**
 * @typedef {import("../running.js").RunningPhone} RunningPhone
 * @typedef {import("../core/challenges.js").VerifiedChallenge} VerifiedChallenge
 * @typedef {import("../model.js").Outcome} Outcome
 * @typedef {import("../model.js").Proofs} Proofs
 */

/**
 * @param {RunningPhone} phone
 * @param {string} transactionId
 * @param {Proofs} proofs
 * @returns {Promise<Outcome>}
 */
export function approve(phone, transactionId, proofs) {
  return decided(phone, transactionId, async (challenge) => {
    const { pin, passkey } = userFactors(challenge, proofs.usePasskey === true);
    const factors = {
      passkey: passkey ? await passkeyProof(phone) : null,
      pinKey: pin ? await unwrappedPinKey(phone, proofs.pin) : null,
      verificationCode: verificationCode(challenge, proofs),
      otp: challenge.factors.includes("otp") ? () => freshCode(phone, challenge) : null,
    };
    const decision = await newApproval(challenge, factors, phone.means());
    factors.pinKey?.fill(0);
    return decision;
  });
}

/**
 * @param {RunningPhone} phone
 * @param {string} transactionId
 * @param {import("../model.js").DenialReason} reason
 * @returns {Promise<Outcome>}
 */
export function deny(phone, transactionId, reason) {
  return decided(phone, transactionId, (challenge) => newDenial(challenge, reason, phone.means()));
}

/**
 * Say "not me" of a request that is over: the service answers that it is, and blocks its client.
 * @param {RunningPhone} phone
 * @param {string} transactionId
 */
export async function report(phone, transactionId) {
  const { requests, offset } = phone.device;
  const over = requests.reportable(transactionId, Date.now() + offset);
  if (over === null) {
    throw new PhoneError("not_open");
  }
  const { jti, token } = await newDenial(over, "not_me", phone.means());
  const messages = await phone.ask({ type: "decide", decision: token });
  const answer = messages.find((each) => each.type === "refused" && each.decision === jti);
  if (answer?.type !== "refused" || answer.reason !== "not_open") {
    throw new PhoneError("unreachable");
  }
  requests.reported(transactionId);
  phone.show();
}

/**
 * The code of this moment, unless it was used.
 * @param {RunningPhone} phone
 * @returns {Promise<import("../model.js").OneTimeCode>}
 */
export async function oneTimeCode(phone) {
  const { totp } = phone.device.identity;
  const step = currentStep(phone);
  const validUntil = stepBegin(totp, step + 1) - phone.device.offset;
  if (step <= (await phone.vault.lastOtpStep())) {
    throw new PhoneError("no_fresh_code", { retryAt: validUntil });
  }
  return { code: await otpCode(totp, step), validUntil };
}

/**
 * @param {RunningPhone} phone
 * @param {string} transactionId
 * @param {(challenge: VerifiedChallenge)
 *   => Promise<import("../core/decisions.js").SignedDecision>} sign
 */
async function decided(phone, transactionId, sign) {
  const { requests } = phone.device;
  const challenge = begun(phone, transactionId);
  try {
    const decision = await sign(challenge);
    openChallenge(phone, transactionId);
    requests.submit(challenge, decision);
    await kept(phone, () => requests.retract(transactionId));
    return await phone.decide(transactionId, decision.token);
  } catch (error) {
    if (requests.answer(transactionId) === undefined) {
      requests.step(transactionId, "open");
      phone.show();
    }
    throw error;
  }
}

/** @param {RunningPhone} phone @param {string} transactionId */
function begun(phone, transactionId) {
  const challenge = openChallenge(phone, transactionId);
  const prompt = phone.device.requests.open.find((each) => each.challenge === challenge);
  if (prompt?.step !== "open") {
    throw new PhoneError("not_open");
  }
  phone.device.requests.step(transactionId, "deciding");
  phone.show();
  return challenge;
}

/** @param {RunningPhone} phone @param {string} transactionId */
function openChallenge(phone, transactionId) {
  const { requests, offset } = phone.device;
  const challenge = requests.decidable(transactionId, Date.now() + offset);
  if (challenge === null) {
    throw new PhoneError("not_open");
  }
  return challenge;
}

/** @param {VerifiedChallenge} challenge @param {Proofs} proofs */
function verificationCode({ factors }, { verificationCode: typed }) {
  if (!factors.includes("verification_code")) {
    return null;
  }
  if (!typed) {
    throw new PhoneError("missing_factor");
  }
  return typed.replaceAll(/\s/g, "");
}

/**
 * A one-time code whose step was used for nothing before, waiting for the next one if need be: a
 * second code of one step would cost the user an attempt.
 * @param {RunningPhone} phone
 * @param {VerifiedChallenge} challenge
 */
async function freshCode(phone, { transactionId }) {
  const { totp } = phone.device.identity;
  for (;;) {
    const step = currentStep(phone);
    openChallenge(phone, transactionId);
    if (await phone.vault.reserveOtpStep(step)) {
      return otpCode(totp, step);
    }
    await pause(stepBegin(totp, step + 1) - phone.device.offset - Date.now());
  }
}

/** @param {RunningPhone} phone */
function currentStep({ device }) {
  return otpStep(device.identity.totp, Date.now() + device.offset);
}
