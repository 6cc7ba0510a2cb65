// A signed request by private_key_jwt; tokens, userinfo and refresh with DPoP and nonces.
import * as client from 'openid-client'
import { discovered, options, privateKeyJwt, run, say, signedRequest, tellingFetch } from './surroundings.mjs'

await run(async () => {
  const config = await discovered(await privateKeyJwt(), { [client.customFetch]: tellingFetch })
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair(options.proof_alg))
  say('proving', { jkt: await DPoP.calculateThumbprint() })

  const request = await signedRequest(options.request)
  const started = await client.initiateBackchannelAuthentication(config, { request })
  say('acknowledged', started)

  const tokens = await client.pollBackchannelAuthenticationGrant(config, started, undefined, { DPoP })
  say('tokens', { ...tokens, claims: tokens.claims() })
  say('userinfo', await client.fetchUserInfo(config, tokens.access_token, 'alice', { DPoP }))

  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
  say('refreshed', { ...refreshed, claims: refreshed.claims() })
  say('userinfo', await client.fetchUserInfo(config, refreshed.access_token, 'alice', { DPoP }))

  const bare = await client.fetchUserInfo(config, tokens.access_token, 'alice').catch((error) => error)
  say('without_proof', { status: bare.status, challenges: bare.cause })
})
