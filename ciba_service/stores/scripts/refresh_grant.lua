-- KEYS: grant, access token
-- ARGV: format, now, refresh token hash, refresh token good_until, access token, its expires_at
-- 1: stored; 0: the grant has ended, or its refresh token is over or another; -1: unknown format.
-- The same arguments have the same effect however often, so that a retry needs no memory.
local r = redis.call('HMGET', KEYS[1], 'v', 'r', 'u')
if not r[1] then return 0 end
if r[1] ~= ARGV[1] then return -1 end
if r[2] ~= ARGV[3] or tonumber(ARGV[2]) >= tonumber(r[3]) then return 0 end
redis.call('HSET', KEYS[1], 'u', ARGV[4])
redis.call('PEXPIREAT', KEYS[1], ARGV[4], 'GT')
redis.call('SET', KEYS[2], ARGV[5], 'PXAT', ARGV[6])
redis.call('PEXPIREAT', KEYS[1], ARGV[6], 'GT')
return 1
