-- KEYS: attempts, attempt of this operation
-- ARGV: limit, keep_ms
-- The number of the attempt, or 0 when the factors are locked (sca/attempts.py).
local number = redis.call('GET', KEYS[2])
if number then return tonumber(number) end
if tonumber(redis.call('GET', KEYS[1]) or 0) >= tonumber(ARGV[1]) then return 0 end
number = redis.call('INCR', KEYS[1])
redis.call('SET', KEYS[2], number, 'PX', ARGV[2])
return number
