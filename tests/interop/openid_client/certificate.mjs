// Client authentication by certificate, at the aliases of discovery; tokens bound to it.
import * as client from 'openid-client'
import { certifiedFetch, discovered, options, run, say, signedRequest } from './surroundings.mjs'

function withCertificate(certificate) {
  return discovered(client.TlsClientAuth(), {
    metadata: { use_mtls_endpoint_aliases: true },
    [client.customFetch]: certifiedFetch(certificate),
  })
}

await run(async () => {
  const config = await withCertificate(options.certificate)
  const request = await signedRequest(options.request)
  const started = await client.initiateBackchannelAuthentication(config, { request })
  say('acknowledged', started)

  const tokens = await client.pollBackchannelAuthenticationGrant(config, started)
  say('tokens', { ...tokens, claims: tokens.claims() })
  say('userinfo', await client.fetchUserInfo(config, tokens.access_token, 'alice'))

  const thief = await withCertificate(options.another_certificate)
  const stolen = await client.fetchUserInfo(thief, tokens.access_token, 'alice').catch((error) => error)
  say('stolen', { status: stolen.status, challenges: stolen.cause })
  const renewed = await client.refreshTokenGrant(thief, tokens.refresh_token).catch((error) => error)
  say('refused', { status: renewed.status, error: renewed.error })
})
