-- KEYS: attempts, attempt of this operation
-- ARGV: operation
-- Proven knowledge forgets the attempts up to this one; any other success takes back its own.
local order = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not order then return 0 end
if redis.call('HGET', KEYS[2], 'knowledge') == '1' then
  return redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', order)
end
return redis.call('ZREM', KEYS[1], ARGV[1])
