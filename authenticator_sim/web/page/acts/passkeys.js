// Passkeys of this phone, in the browser's authenticator (WebAuthn).

import { base64url, decodeBase64url } from "../core/bytes.js";
import { PhoneError } from "../errors.js";
import { order } from "./ordering.js";

/** @typedef {import("../running.js").RunningPhone} RunningPhone */

const TIMEOUT_MS = 120_000;

/**
 * The passkeys that the service knows of this phone.
 * @param {RunningPhone} phone
 * @returns {Promise<import("../model.js").Passkeys>}
 */
export async function passkeys(phone) {
  const messages = await phone.ask({ type: "list_passkeys" });
  const known = messages.filter((message) => message.type === "passkey");
  return {
    passkeys: known.map((message) => ({
      passkeyId: message.passkey_id,
      registeredAt: message.registered_at * 1000 - phone.device.offset,
      synced: message.synced,
      backedUp: message.backed_up,
    })),
    offered: phone.device.identity.rpId !== null,
  };
}

/**
 * Make a passkey and register it with the PIN.
 * @param {RunningPhone} phone
 * @param {string} pin
 */
export async function addPasskey(phone, pin) {
  const messages = await phone.ask({ type: "make_passkey" });
  const offer = messages.find((message) => message.type === "passkey_options");
  if (offer === undefined) {
    const refused = messages.find((message) => message.type === "passkey_refused");
    throw new PhoneError(
      refused?.reason === "too_many" ? "too_many_passkeys" : "passkeys_disabled",
    );
  }
  const options = /** @type {PublicKeyCredentialCreationOptionsJSON} */ (plain(offer.options));
  const made = await gesture(() =>
    navigator.credentials.create({
      publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
    }),
  );
  const { clientDataJSON, attestationObject } = /** @type {AuthenticatorAttestationResponse} */ (
    made.response
  );
  const response = {
    clientDataJSON: base64url(clientDataJSON),
    attestationObject: base64url(attestationObject),
  };
  const passkey = { id: made.id, rawId: made.id, type: "public-key", response };
  await order(phone, { action: "add_passkey", passkey }, pin, options.challenge);
  await passkeys(phone);
}

/**
 * Remove a passkey from the service; the authenticator keeps its own.
 * @param {RunningPhone} phone
 * @param {string} passkeyId
 */
export async function removePasskey(phone, passkeyId) {
  const messages = await phone.ask({ type: "remove_passkey", passkey_id: passkeyId });
  if (messages.some((message) => message.type === "passkey_unknown")) {
    throw new PhoneError("unknown_passkey");
  }
}

/**
 * What makes the proof of a passkey for a decision; raises `PhoneError` where this phone has none.
 * @param {RunningPhone} phone
 */
export async function passkeyProof(phone) {
  const { passkeys: known, rpId } = phone.device.identity;
  if (rpId === null || known.length === 0) {
    throw new PhoneError("missing_factor");
  }
  const allowCredentials = known.map((id) => ({
    type: /** @type {const} */ ("public-key"),
    id: decodeBase64url(id),
  }));
  /** @param {import("../core/bytes.js").Bytes} challenge */
  return async (challenge) => {
    const used = await gesture(() =>
      navigator.credentials.get({
        publicKey: {
          challenge,
          rpId,
          allowCredentials,
          userVerification: "required",
          timeout: TIMEOUT_MS,
        },
      }),
    );
    return assertionOf(used);
  };
}

/** @param {PublicKeyCredential} used */
function assertionOf(used) {
  const { clientDataJSON, authenticatorData, signature, userHandle } =
    /** @type {AuthenticatorAssertionResponse} */ (used.response);
  const response = {
    clientDataJSON: base64url(clientDataJSON),
    authenticatorData: base64url(authenticatorData),
    signature: base64url(signature),
    userHandle: userHandle === null ? undefined : base64url(userHandle),
  };
  return { id: used.id, rawId: used.id, type: "public-key", response };
}

/** @param {() => Promise<Credential | null>} ask @returns {Promise<PublicKeyCredential>} */
async function gesture(ask) {
  try {
    const credential = await ask();
    if (credential instanceof PublicKeyCredential) {
      return credential;
    }
    throw new PhoneError("no_gesture");
  } catch (error) {
    throw error instanceof PhoneError ? error : new PhoneError("no_gesture", { cause: error });
  }
}

/** JSON as the browser's own functions want it. @param {unknown} value @returns {unknown} */
function plain(value) {
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([name, each]) => [name, plain(each)]));
  }
  return Array.isArray(value) ? value.map(plain) : value;
}
