// CIBA Core: the request as form parameters, bearer tokens, and both of them given back.
import * as client from 'openid-client'
import { discovered, options, privateKeyJwt, run, say } from './surroundings.mjs'

await run(async () => {
  const config = await discovered(await privateKeyJwt())
  const started = await client.initiateBackchannelAuthentication(config, options.request)
  say('acknowledged', started)

  const tokens = await client.pollBackchannelAuthenticationGrant(config, started)
  say('tokens', { ...tokens, claims: tokens.claims() })
  say('userinfo', await client.fetchUserInfo(config, tokens.access_token, 'alice'))

  say('introspected', await client.tokenIntrospection(config, tokens.access_token))
  await client.tokenRevocation(config, tokens.refresh_token)
  say('introspected', await client.tokenIntrospection(config, tokens.access_token))
})
