// node-oidc-provider as a CIBA provider on loopback: poll and ping, private_key_jwt, signed requests;
// over TLS, where it is given a certificate, with tokens that are bound to the clients' certificates.
// A test tells it on stdin which clients and users there are; it tells on stdout where it listens.
//
// Beside the provider itself: POST /automation?auth_req_id=..&action=allow|deny decides for the user,
// and POST /advance?seconds=.. moves this process's clock, so that nobody waits for an expiry.
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { createInterface } from 'node:readline'
import { errors, Provider } from 'oidc-provider'

const { value } = await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next()
const options = JSON.parse(value)
const { scope, acr, users, fapi, tls } = options

// Everything that the provider knows of time it takes from Date.now.
const realTime = Date.now
let ahead = 0
Date.now = () => realTime() + ahead * 1000

const server = tls
  ? createSecureServer({ ...tls, requestCert: true, rejectUnauthorized: false })
  : createServer()
await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
const issuer = `${tls ? 'https' : 'http'}://127.0.0.1:${server.address().port}`

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const signing = { ...privateKey.export({ format: 'jwk' }), kid: 'op', use: 'sig', alg: 'ES256' }

const provider = new Provider(issuer, {
  clients: options.clients,
  jwks: { keys: [signing] },
  scopes: scope.split(' '),
  acrValues: [acr],
  issueRefreshToken: async (_, client) => client.grantTypeAllowed('refresh_token'),
  clientAuthMethods: ['private_key_jwt'],
  enabledJWA: {
    clientAuthSigningAlgValues: ['ES256', 'PS256'],
    requestObjectSigningAlgValues: ['ES256', 'PS256'],
    idTokenSigningAlgValues: ['ES256'],
    dPoPSigningAlgValues: ['ES256', 'PS256'],
  },
  findAccount: (_, sub) => ({ accountId: sub, claims: async () => ({ sub }) }),
  // It refuses to call this machine, as it should where it serves others.
  fetch: (url, { dispatcher: _, ...request }) => fetch(url, request),
  ttl: {
    AccessToken: 300,
    BackchannelAuthenticationRequest: (_, request) => Math.min(+request.params.requested_expiry || 180, 600),
    Grant: 1200,
    IdToken: 300,
  },
  features: {
    devInteractions: { enabled: false },
    requestObjects: { enabled: true },
    dPoP: { enabled: true },
    mTLS: {
      enabled: Boolean(tls),
      certificateBoundAccessTokens: Boolean(tls),
      getCertificate: (ctx) => ctx.socket.getPeerX509Certificate?.()?.toString(),
    },
    resourceIndicators: { enabled: false },
    fapi: fapi ? { enabled: true, profile: fapi } : { enabled: false },
    ciba: {
      enabled: true,
      deliveryModes: ['poll', 'ping'],
      processLoginHint: async (_, hint) => users[hint],
      processLoginHintToken: async () => undefined,
      verifyUserCode: async () => {},
      validateRequestContext: async () => {},
      triggerAuthenticationDevice: async () => {},
    },
  },
})
provider.on('server_error', (_, error) => console.error(error))

/** Decide for the user; the client has been called back when this returns. */
async function decide(authReqId, action) {
  const request = await provider.BackchannelAuthenticationRequest.find(authReqId)
  if (!request) {
    return 404
  }
  if (action === 'deny') {
    await settle(request, new errors.AccessDenied('the user declined'))
    return 204
  }
  const grant = new provider.Grant({ accountId: request.accountId, clientId: request.clientId })
  grant.addOIDCScope(request.scope)
  await grant.save()
  await settle(request, grant)
  return 204
}

async function settle(request, result) {
  try {
    await provider.backchannelResult(request, result, { acr, authTime: Math.floor(Date.now() / 1000) })
  } catch (error) {
    // What a notification endpoint answers is no concern of whoever decides.
    if (!error.response) {
      throw error
    }
  }
}

const callback = provider.callback()
server.on('request', async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, issuer)
  if (pathname === '/advance') {
    ahead += Number(searchParams.get('seconds'))
    response.writeHead(204).end()
  } else if (pathname === '/automation') {
    const status = await decide(searchParams.get('auth_req_id'), searchParams.get('action'))
    response.writeHead(status).end()
  } else {
    callback(request, response)
  }
})
process.stdout.write(`${JSON.stringify({ event: 'listening', issuer })}\n`)
