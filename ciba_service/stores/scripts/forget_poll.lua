-- KEYS: transaction
-- ARGV: operation
-- Put the throttle back as it was before the poll of this operation, if that was the last one.
local r = redis.call('HMGET', KEYS[1], 'q', 'b')
if not r[1] or r[1] ~= ARGV[1] or not r[2] then return 0 end
local interval, last = string.match(r[2], '^(%d+) (%d+)$')
redis.call('HSET', KEYS[1], 'i', interval, 'l', last)
redis.call('HDEL', KEYS[1], 'q', 'w', 'b')
return 1
