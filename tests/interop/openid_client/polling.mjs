// What openid-client makes of answers that are not tokens; each answer is told as it comes.
import * as client from 'openid-client'
import { discovered, options, privateKeyJwt, run, say, tellingFetch } from './surroundings.mjs'

await run(async () => {
  const config = await discovered(await privateKeyJwt(), {
    metadata: { [client.clockSkew]: options.clock_skew },
    execute: [client.allowInsecureRequests],
    [client.customFetch]: tellingFetch,
  })
  const started = await client.initiateBackchannelAuthentication(config, options.request)
  say('acknowledged', started)
  const tokens = await client.pollBackchannelAuthenticationGrant(config, started)
  say('tokens', { claims: tokens.claims() })
})
