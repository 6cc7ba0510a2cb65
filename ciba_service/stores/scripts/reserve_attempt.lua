-- KEYS: attempts, attempt of this operation
-- ARGV: operation, limit, keep_ms, now, knowledge (1: of the PIN; 'passkey'; else 0)
-- {number, reserved_at} of the attempt, or {} when the factors are locked (sca/attempts.py).
local known = redis.call('HMGET', KEYS[2], 'number', 'at')
if known[1] then return {tonumber(known[1]), tonumber(known[2])} end
local used = redis.call('ZCARD', KEYS[1])
if used >= tonumber(ARGV[2]) then return {} end
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local name = ARGV[5] == 'passkey' and 'passkey:' .. ARGV[1] or ARGV[1]
redis.call('ZADD', KEYS[1], tonumber(last[2] or 0) + 1, name)
redis.call('HSET', KEYS[2], 'number', used + 1, 'at', ARGV[4], 'knowledge', ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return {used + 1, tonumber(ARGV[4])}
