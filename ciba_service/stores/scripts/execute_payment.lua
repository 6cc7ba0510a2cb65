-- KEYS: grant, access token, payment
-- ARGV: grant format, operation, until
-- 1: executed, now or before by this operation; 0: by another; 2: the grant or its token has
-- ended; -1: unknown format.
local executed = redis.call('GET', KEYS[3])
if executed then return executed == ARGV[2] and 1 or 0 end
local format = redis.call('HGET', KEYS[1], 'v')
if not format or redis.call('EXISTS', KEYS[2]) == 0 then return 2 end
if format ~= ARGV[1] then return -1 end
redis.call('SET', KEYS[3], ARGV[2], 'PXAT', ARGV[3])
return 1
