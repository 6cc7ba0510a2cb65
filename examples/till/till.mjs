// A till without a dependency: it asks for a payment, shows what the phone shows too, waits for
// the customer's decision, and has the bank execute what was approved.
//
//   node till.mjs till.json alice@example.org 12.50
//
// CIBA in poll mode, as FAPI 2.0 wants it: signed requests, private_key_jwt, tokens bound by DPoP.
// Ctrl-C takes the request back. It exits with 0 when paid, 1 when not, 2 when something is wrong.
import * as crypto from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";

const ES256 = { dsaEncoding: "ieee-p1363" }; // signatures as RFC 7518 3.4 writes them
const LETTERS = "BCDFGHJKLMNPQRSTVWXZ"; // nothing to mix up, no words
const ENDINGS = { access_denied: "Declined.", expired_token: "Nobody answered in time." };
const SLOWER = { authorization_pending: 0, slow_down: 5, unavailable: 10 }; // seconds, for good
class NotPaid extends Error {}
const say = (line) => process.stdout.write(`${line}\n`);
const get = async (url) => (await reach(url)).json();
const base64url = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
const read = (path) => JSON.parse(readFileSync(path, "utf8"));

const [file, customer, amount = ""] = process.argv.slice(2);
if (!/^\d{1,7}\.\d\d$/.test(amount)) {
  say("usage: node till.mjs FILE CUSTOMER AMOUNT (such as till.json alice@example.org 12.50)");
  process.exit(2);
}
const { issuer, client_id, key, payments, currency, payee } = read(file);
const jwk = read(resolve(dirname(file), key));
const tokenKey = crypto.generateKeyPairSync("ec", { namedCurve: "P-256" }); // for one sale only
const nonces = new Map(); // the last one of each address (RFC 9449 8)
const clientJwt = (claims) =>
  jws({ kid: jwk.kid }, { iss: client_id, aud: issuer, ...claims }, { key: jwk, format: "jwk" });
const stop = new AbortController();
process.once("SIGINT", () => stop.abort());

try {
  say(`Paid. Receipt number ${await sell()}.`);
} catch (problem) {
  say(problem instanceof NotPaid ? problem.message : `Out of order: ${problem.message}`);
  process.exitCode = problem instanceof NotPaid ? 1 : 2;
}

/** One sale, from the amount to the number of the receipt. */
async function sell() {
  const provider = await get(`${issuer}/.well-known/openid-configuration`);
  must(provider.issuer === issuer, "this is another provider");
  const payment = { type: "payment_initiation", instructedAmount: { currency, amount }, ...payee };
  const code = Array.from({ length: 5 }, () => LETTERS[crypto.randomInt(LETTERS.length)]).join("");
  const wish = { scope: "openid", login_hint: customer, binding_message: code };
  const request = clientJwt({ ...wish, authorization_details: [payment] });
  const started = accepted(await ask(provider.backchannel_authentication_endpoint, { request }));
  say(`\n  ${payee.creditorName}\n  ${amount} ${currency}\n  Approve on your phone: ${code}`);
  say(started.verification_code ? `  Type there: ${started.verification_code}\n` : "");
  const tokens = await decision(provider, started);
  await verifyIdToken(tokens.id_token, provider);
  const granted = tokens.authorization_details; // what counts, not what was asked (RFC 9396 7)
  must(isDeepStrictEqual(granted, [payment]), "another payment was granted");
  return accepted(await use(tokens.access_token, payments, payment)).payment_id;
}

/** Ask again and again, at the provider's pace (CIBA 11), until there are tokens or a refusal. */
async function decision(provider, { auth_req_id, expires_in, interval = 5 }) {
  const cancel_endpoint = `${provider.backchannel_authentication_endpoint}/cancel`;
  const grant_type = "urn:openid:params:grant-type:ciba";
  const end = performance.now() + expires_in * 1000;
  while (performance.now() < end) {
    await pause(interval * 1000, null, { signal: stop.signal }).catch(() => {});
    if (stop.signal.aborted) {
      accepted(await ask(cancel_endpoint, { auth_req_id }));
      throw new NotPaid("Cancelled.");
    }
    const poll = ask(provider.token_endpoint, { grant_type, auth_req_id });
    const answer = await poll.catch(() => ({ error: "unavailable" }));
    if (!(answer.error in SLOWER)) {
      return accepted(answer);
    }
    interval += SLOWER[answer.error];
  }
  throw new NotPaid(ENDINGS.expired_token);
}

/** The ID token is the provider's, for this client, and of now (OpenID Connect Core 3.1.3.7). */
async function verifyIdToken(text, provider) {
  const parts = text.split(".").map((part) => Buffer.from(part, "base64url"));
  const [{ alg, kid }, { iss, aud, exp }] = parts.slice(0, 2).map((part) => JSON.parse(part));
  const { keys } = await get(provider.jwks_uri);
  const published = keys.find((each) => each.kid === kid && each.crv === "P-256");
  must(alg === "ES256" && published, "the ID token is signed by a stranger");
  const verifier = { key: published, format: "jwk", ...ES256 };
  const signed = text.slice(0, text.lastIndexOf("."));
  must(crypto.verify("sha256", signed, verifier, parts[2]), "the ID token is forged");
  must(iss === issuer && [aud].flat().join() === client_id, "the ID token is for somebody else");
  must(exp * 1000 > Date.now(), "the ID token is old");
}

/** Send a form as this client; each assertion is good once (RFC 7523). */
function ask(url, form) {
  const client_assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
  const proven = () => ({ client_assertion_type, client_assertion: clientJwt({ sub: client_id }) });
  return send(url, () => ({ body: new URLSearchParams({ ...form, ...proven() }) }));
}

/** Send JSON to a resource with an access token (RFC 9449 7.1). */
function use(token, url, content) {
  const headers = { authorization: `DPoP ${token}`, "content-type": "application/json" };
  const ath = crypto.createHash("sha256").update(token).digest("base64url");
  return send(url, () => ({ headers, body: JSON.stringify(content) }), { ath });
}

/** Send it with a proof of the tokens' key, once more if the server wants its nonce in that. */
async function send(url, make, claims = {}, again = true) {
  const header = { typ: "dpop+jwt", jwk: tokenKey.publicKey.export({ format: "jwk" }) };
  const proof = { htm: "POST", htu: url, nonce: nonces.get(url), ...claims };
  const { headers, body } = make();
  const dpop = jws(header, proof, { key: tokenKey.privateKey });
  const answer = await reach(url, { method: "POST", headers: { ...headers, dpop }, body });
  nonces.set(url, answer.headers.get("dpop-nonce") ?? nonces.get(url));
  const told = answer.status === 204 ? {} : await answer.json();
  return again && told.error === "use_dpop_nonce" ? send(url, make, claims, false) : told;
}

async function reach(url, options) {
  const signal = AbortSignal.timeout(15_000);
  const answer = await fetch(url, { ...options, redirect: "error", signal });
  must(answer.status < 500 && answer.status !== 429, `the bank answers ${answer.status}`);
  return answer;
}

/** A token that is good for a minute, and once. */
function jws(header, claims, signer) {
  const now = Math.floor(Date.now() / 1000);
  const times = { jti: crypto.randomUUID(), iat: now, nbf: now, exp: now + 60 };
  const input = `${base64url({ alg: "ES256", ...header })}.${base64url({ ...times, ...claims })}`;
  const signature = crypto.sign("sha256", Buffer.from(input), { ...signer, ...ES256 });
  return `${input}.${signature.toString("base64url")}`;
}

function accepted(answer) {
  must(!answer.error, ENDINGS[answer.error] ?? `Refused: ${answer.error}`, NotPaid);
  return answer;
}

function must(holds, message, Kind = Error) {
  if (!holds) {
    throw new Kind(message);
  }
}
