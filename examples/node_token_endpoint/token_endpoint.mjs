// A token endpoint in Node, without a dependency: its clients, its key and its tokens are its own,
// and one call to ciba-service says what the user approved (docs/grant-api.md).
//
//   GRANT_TOKEN=... node token_endpoint.mjs config.json
import * as crypto from "node:crypto";
import { readFileSync } from "node:fs";
import * as http from "node:http";
import { passed_on, socket_passed_on } from "./front.mjs";

const CIBA = "urn:openid:params:grant-type:ciba";
const ES256 = { dsaEncoding: "ieee-p1363" }; // signatures as RFC 7518 3.4 writes them
const LIFETIME = 300; // seconds, of tokens and at most of client assertions
const LARGEST_FORM = 65_536;
const ATTEMPTS = 3;
const GRANT_TOKEN = process.env.GRANT_TOKEN; // a secret: never in a file, never in the log

const { issuer, port, ciba_service, clients } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { privateKey, publicKey } = crypto.generateKeyPairSync("ec", { namedCurve: "P-256" }); // yours
const KID = "node-1";
const used = new Map(); // jti of client assertions, and when they are over

const seconds = () => Math.floor(Date.now() / 1000);
const say = (line) => process.stdout.write(`${line}\n`);
const encoded = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
const decoded = (part) => JSON.parse(Buffer.from(part, "base64url").toString("utf8"));

class Refused extends Error {
  constructor(status, error) {
    super(error);
    this.status = status;
  }
}

// --- Who asks: private_key_jwt (OpenID Connect Core 9) ---

function authenticated(assertion) {
  try {
    return verified(assertion);
  } catch {
    throw new Refused(401, "invalid_client"); // never why
  }
}

function verified(assertion) {
  const [head, body, signature] = assertion.split(".");
  const { alg, kid } = decoded(head);
  const { iss, sub, aud, exp, jti } = decoded(body);
  const jwk = clients[iss].jwks.keys.find((each) => each.kid === kid);
  const key = { key: crypto.createPublicKey({ key: jwk, format: "jwk" }), ...ES256 };
  const text = Buffer.from(`${head}.${body}`);
  const is_signed = crypto.verify("sha256", text, key, Buffer.from(signature, "base64url"));
  const now = seconds();
  const is_for_us = aud === issuer || aud === `${issuer}/token`;
  const is_timely = Number.isInteger(exp) && now < exp && exp <= now + LIFETIME;
  if (alg !== "ES256" || !is_signed || sub !== iss || !is_for_us || !is_timely || !jti) {
    throw new Error("not to be believed");
  }
  spend(`${iss} ${jti}`, exp, now);
  return iss;
}

function spend(name, until, now) {
  for (const [each, end] of used) {
    if (end <= now) {
      used.delete(each);
    }
  }
  if (used.has(name)) {
    throw new Error("used before");
  }
  used.set(name, until);
}

// --- What the user approved: one question to ciba-service ---

async function redeemed(client_id, auth_req_id) {
  // One key for one token request: when an answer is lost the same question brings it again, and
  // no other request of the client ever gets a second grant.
  const headers = {
    authorization: `Bearer ${GRANT_TOKEN}`,
    "content-type": "application/json",
    "idempotency-key": crypto.randomUUID(),
  };
  const body = JSON.stringify({ client_id, auth_req_id });
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      const signal = AbortSignal.timeout(5_000);
      const url = `${ciba_service}/grants/ciba/redeem`;
      const response = await fetch(url, { method: "POST", headers, body, signal });
      if (response.status === 200) {
        return await response.json();
      }
      say(`ciba-service answers ${response.status}`);
      if (response.status !== 503) {
        break; // our question is wrong: to ask again would not help
      }
    } catch (error) {
      say(`ciba-service cannot be reached: ${error.name}`);
    }
  }
  throw new Refused(503, "temporarily_unavailable"); // the client polls again
}

// --- Our own tokens ---

function signed(typ, claims) {
  const text = `${encoded({ alg: "ES256", typ, kid: KID })}.${encoded(claims)}`;
  const signature = crypto.sign("sha256", Buffer.from(text), { key: privateKey, ...ES256 });
  return `${text}.${signature.toString("base64url")}`;
}

function tokens({ sub, client_id, acr, amr, auth_time, txn, scope, authorization_details }) {
  const iat = seconds();
  const shared = { iss: issuer, sub, iat, exp: iat + LIFETIME, acr, amr, auth_time, txn };
  const jti = crypto.randomUUID();
  const rights = { aud: `${issuer}/accounts`, client_id, jti, scope, authorization_details };
  return {
    access_token: signed("at+jwt", { ...shared, ...rights }),
    id_token: signed("JWT", { ...shared, aud: client_id }),
    token_type: "Bearer", // a bank binds it to the client's certificate or DPoP key
    expires_in: LIFETIME,
  };
}

// --- HTTP ---

async function form(request) {
  let text = "";
  for await (const part of request) {
    text += part;
    if (text.length > LARGEST_FORM) {
      throw new Refused(413, "invalid_request");
    }
  }
  const pairs = [...new URLSearchParams(text)];
  const parameters = Object.fromEntries(pairs);
  if (Object.keys(parameters).length !== pairs.length) {
    throw new Refused(400, "invalid_request"); // RFC 6749 3.2: each of them once
  }
  return parameters;
}

async function token(request) {
  if (request.method !== "POST") {
    throw new Refused(405, "invalid_request");
  }
  const { client_assertion, grant_type, auth_req_id } = await form(request);
  const client_id = authenticated(client_assertion);
  if (grant_type !== CIBA) {
    throw new Refused(400, "unsupported_grant_type");
  }
  if (!auth_req_id || auth_req_id.length > 1024) {
    throw new Refused(400, "invalid_request");
  }
  const answer = await redeemed(client_id, auth_req_id);
  if (answer.status !== "granted") {
    throw new Refused(400, answer.error); // pending, slow_down, denied … in the words of CIBA 11
  }
  return tokens(answer.grant);
}

const metadata = () => ({
  issuer,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/jwks`,
  backchannel_authentication_endpoint: `${issuer}/bc-authorize`,
  backchannel_token_delivery_modes_supported: ["poll"],
  grant_types_supported: [CIBA],
  token_endpoint_auth_methods_supported: ["private_key_jwt"],
});
const jwk = { ...publicKey.export({ format: "jwk" }), kid: KID, alg: "ES256", use: "sig" };
const OWN = {
  "/token": token,
  "/jwks": () => ({ keys: [jwk] }),
  "/.well-known/openid-configuration": metadata,
};

const server = http.createServer(async (request, response) => {
  const [path] = request.url.split("?"); // what strangers send need not be a URL
  if (!Object.hasOwn(OWN, path)) {
    passed_on(request, response, ciba_service);
    return;
  }
  const answer = (status, content) => {
    const told = { "content-type": "application/json", "cache-control": "no-store" };
    response.writeHead(status, told).end(JSON.stringify(content));
  };
  try {
    answer(200, await OWN[path](request));
  } catch (error) {
    const { status, message } =
      error instanceof Refused ? error : new Refused(400, "invalid_request");
    answer(status, { error: message });
  }
});
server.on("upgrade", (request, socket) => socket_passed_on(request, socket, ciba_service));
server.listen(port, "127.0.0.1", () => say(`token endpoint at ${issuer}/token`));
