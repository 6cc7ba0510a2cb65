// What every program here shares: one JSON object a line, in on stdin and out on stdout.
import { createInterface } from 'node:readline'
import { importJWK, SignJWT } from 'jose'
import * as client from 'openid-client'
import { Agent, fetch } from 'undici'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

export const options = await heard()

/** The next line that the test wrote. */
export async function heard() {
  const { value, done } = await lines.next()
  return done ? undefined : JSON.parse(value)
}

/** Tell the test. */
export function say(event, more = {}) {
  process.stdout.write(`${JSON.stringify({ event, ...more })}\n`)
}

/** Run a flow; what openid-client refuses or was refused is told, never thrown. */
export async function run(flow) {
  try {
    await flow()
    say('done')
  } catch (error) {
    const { code, status, error: refusal, cause } = error
    say('failed', { name: error.name, message: error.message, code, status, error: refusal, cause: `${cause}` })
  }
  process.exit()
}

/** openid-client's view of the provider, through discovery; ID tokens are verified by signature. */
export async function discovered(authentication, { metadata = {}, execute = [], ...more } = {}) {
  return client.discovery(
    new URL(options.issuer),
    options.client_id,
    { id_token_signed_response_alg: 'ES256', ...metadata },
    authentication,
    { execute: [client.enableNonRepudiationChecks, ...execute], ...more },
  )
}

/** Client authentication by the key that the test registered. */
export async function privateKeyJwt() {
  const { kid, alg } = options.key
  return client.PrivateKeyJwt({ key: await importJWK(options.key, alg), kid })
}

/** A connection that shows the certificate in `options.certificate`, if there is one. */
export function certifiedFetch(certificate = options.certificate) {
  const dispatcher = new Agent({ connect: { ca: options.ca, cert: certificate, key: certificate } })
  return (url, request) => fetch(url, { ...request, dispatcher })
}

/** Fetch, and tell what the token endpoint answered and when. */
export async function tellingFetch(url, request) {
  const answer = await globalThis.fetch(url, request)
  if (new URL(url).pathname === '/token') {
    const { error } = await answer.clone().json()
    const brings_nonce = answer.headers.has('dpop-nonce')
    say('answered', { status: answer.status, error, brings_nonce, at: performance.now() })
  }
  return answer
}

/** A signed request (CIBA 7.1.1), made by jose. */
export async function signedRequest(parameters) {
  return new SignJWT({ ...parameters, jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: options.alg, kid: options.key.kid })
    .setIssuer(options.client_id)
    .setAudience(options.issuer)
    .setIssuedAt()
    .setNotBefore('0s')
    .setExpirationTime('5m')
    .sign(await importJWK(options.key, options.alg))
}
