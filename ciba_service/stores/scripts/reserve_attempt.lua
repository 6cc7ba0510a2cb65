-- KEYS: attempts, attempt of this operation, pause before the last attempt
-- ARGV: operation, limit, keep_ms, now, knowledge (1: of the PIN; 'passkey'; else 0), pause_ms
-- {number, reserved_at} of the attempt; {} when the factors are locked; {0, until} when the user has
-- to wait (sca/factors/attempts.py).
local known = redis.call('HMGET', KEYS[2], 'number', 'at')
if known[1] then return {tonumber(known[1]), tonumber(known[2])} end
local used, limit = redis.call('ZCARD', KEYS[1]), tonumber(ARGV[2])
local now, pause = tonumber(ARGV[4]), tonumber(ARGV[6])
if used >= limit then return {} end
if used == limit - 1 and pause > 0 then
  local ends = tonumber(redis.call('GET', KEYS[3]) or 0)
  if now < ends then return {0, ends} end
end
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local name = ARGV[5] == 'passkey' and 'passkey:' .. ARGV[1] or ARGV[1]
redis.call('ZADD', KEYS[1], tonumber(last[2] or 0) + 1, name)
redis.call('HSET', KEYS[2], 'number', used + 1, 'at', ARGV[4], 'knowledge', ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
if used + 1 == limit - 1 and pause > 0 then
  redis.call('SET', KEYS[3], string.format('%.0f', now + pause), 'PX', pause)
end
return {used + 1, now}
