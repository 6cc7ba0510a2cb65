// Ping: a signed request with a notification token, then silence until the provider calls back.
import { createServer } from 'node:https'
import * as client from 'openid-client'
import { discovered, options, privateKeyJwt, run, say, signedRequest, tellingFetch } from './surroundings.mjs'

const arrived = Promise.withResolvers()

/** The notification endpoint; what arrives is told, and kept for whoever waits for it. */
async function serveNotificationEndpoint() {
  const server = createServer({ cert: options.endpoint.certificate, key: options.endpoint.key }, (request, response) => {
    const parts = []
    request.on('data', (part) => parts.push(part))
    request.on('end', () => {
      const { method, url, headers } = request
      const { authorization, 'content-type': content_type } = headers
      const notification = { method, url, authorization, content_type, body: Buffer.concat(parts).toString() }
      response.writeHead(204).end(() => {
        say('notified', notification)
        arrived.resolve(notification)
      })
    })
  })
  await new Promise((listening) => server.listen(options.endpoint.port, '127.0.0.1', listening))
}

await run(async () => {
  await serveNotificationEndpoint()
  const config = await discovered(await privateKeyJwt(), { [client.customFetch]: tellingFetch })
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  const client_notification_token = client.randomState()
  const request = await signedRequest({ ...options.request, client_notification_token })
  const started = await client.initiateBackchannelAuthentication(config, { request })
  say('acknowledged', { ...started, client_notification_token })

  const { auth_req_id } = JSON.parse((await arrived.promise).body)
  const tokens = await client.pollBackchannelAuthenticationGrant(config, { ...started, auth_req_id }, undefined, { DPoP })
  say('tokens', { ...tokens, claims: tokens.claims() })
  say('userinfo', await client.fetchUserInfo(config, tokens.access_token, 'alice', { DPoP }))
})
