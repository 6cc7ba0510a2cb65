-- KEYS: activation
-- ARGV: operation
local used = redis.call('HGET', KEYS[1], 'u')
if used then return used == ARGV[1] and 1 or 0 end
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'u', ARGV[1])
return 1
