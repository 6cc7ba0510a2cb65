// node-oidc-provider as a CIBA provider on loopback, for the same work as the service: FAPI 2.0
// profile, poll mode, private_key_jwt, signed requests, DPoP; everything in Redis.
// Environment: PORT, REDIS_PORT, KEYS (a file with the client's public JWK), CLIENT_ID.
import fs from "node:fs";
import http from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { Redis } from "ioredis";
import { Provider } from "oidc-provider";
import { makeRedisAdapter } from "./redis_adapter.mjs";

const PORT = Number(process.env.PORT);
const ISSUER = `http://127.0.0.1:${PORT}`;
const { client } = JSON.parse(fs.readFileSync(process.env.KEYS));
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const signing = { ...privateKey.export({ format: "jwk" }), kid: "as", use: "sig", alg: "ES256" };

const provider = new Provider(ISSUER, {
  adapter: makeRedisAdapter(Redis, { port: Number(process.env.REDIS_PORT), host: "127.0.0.1" }),
  clients: [
    {
      client_id: process.env.CLIENT_ID,
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "ES256",
      grant_types: ["urn:openid:params:grant-type:ciba"],
      response_types: [],
      redirect_uris: [],
      id_token_signed_response_alg: "ES256",
      backchannel_token_delivery_mode: "poll",
      backchannel_authentication_request_signing_alg: "ES256",
      dpop_bound_access_tokens: true,
      jwks: { keys: [client] },
    },
  ],
  jwks: { keys: [signing] },
  clientAuthMethods: ["private_key_jwt"],
  scopes: ["openid", "pay"],
  findAccount: (_, sub) => ({ accountId: sub, claims: async () => ({ sub }) }),
  ttl: {
    AccessToken: 300,
    BackchannelAuthenticationRequest: 1200,
    Grant: 1200,
    IdToken: 300,
  },
  features: {
    devInteractions: { enabled: false },
    requestObjects: { enabled: true },
    dPoP: { enabled: true },
    fapi: { enabled: true, profile: "2.0" },
    resourceIndicators: { enabled: false },
    ciba: {
      enabled: true,
      deliveryModes: ["poll"],
      processLoginHint: async (_, hint) => hint,
      processLoginHintToken: async (_, token) => token,
      verifyUserCode: async () => {},
      validateBindingMessage: async () => {},
      validateRequestContext: async () => {},
      triggerAuthenticationDevice: async () => {},
    },
  },
});
provider.on("server_error", (_, error) => console.error(error));

async function approve(authReqId) {
  const request = await provider.BackchannelAuthenticationRequest.find(authReqId, {
    ignoreExpiration: true,
  });
  if (!request) {
    return false;
  }
  const grant = new provider.Grant({
    accountId: request.accountId,
    clientId: request.clientId,
  });
  grant.addOIDCScope(request.scope);
  await grant.save();
  const authTime = Math.floor(Date.now() / 1000);
  await provider.backchannelResult(request, grant, { acr: "urn:bench", amr: ["pop"], authTime });
  return true;
}

function answer(response, status) {
  response.statusCode = status;
  response.setHeader("content-length", 3);
  response.end(String(status));
}

const callback = provider.callback();
const server = http.createServer((request, response) => {
  if (request.url === "/bench/gc") {
    globalThis.gc();
    globalThis.gc();
    answer(response, 200);
  } else if (request.url === "/bench/challenge") {
    response.setHeader("content-length", 0); // there is none: its phone is not part of it
    response.end();
  } else if (request.url === "/bench/approve") {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      approve(body).then(
        (found) => answer(response, found ? 200 : 404),
        (error) => {
          console.error(error);
          answer(response, 500);
        },
      );
    });
  } else {
    callback(request, response);
  }
});
server.keepAliveTimeout = 120_000;
server.requestTimeout = 0;
server.listen(PORT, "127.0.0.1", 4096);
