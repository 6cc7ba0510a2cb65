-- KEYS: evidence, chain
-- ARGV: fence, number, count, new number, new hash
-- 1: so many records were trimmed and the chain goes on, now or before. 0: the lease is lost.
local c = redis.call('HMGET', KEYS[2], 'f', 'n', 'h')
if c[2] == ARGV[4] and c[3] == ARGV[5] then return 1 end
if c[1] ~= ARGV[1] or (c[2] or '0') ~= ARGV[2] then return 0 end
redis.call('LTRIM', KEYS[1], ARGV[3], -1)
redis.call('HSET', KEYS[2], 'n', ARGV[4], 'h', ARGV[5])
redis.call('HDEL', KEYS[2], 'o', 'u')
return 1
