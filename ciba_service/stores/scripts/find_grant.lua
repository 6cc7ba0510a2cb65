-- KEYS: grant, access token
-- The fields of the grant and the access token, each or false: one command, in whose round trip
-- others may go.
local found = redis.call('HMGET', KEYS[1], 'v', 'g', 'r', 'u')
found[5] = redis.call('GET', KEYS[2])
return found
