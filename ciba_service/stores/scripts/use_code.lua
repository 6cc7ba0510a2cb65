-- KEYS: activation, use by this operation
-- ARGV: operation, keep_ms
-- 1 when the code is used by this operation, now or before. The mark beside it fades, so that what
-- was a retry is a replay later; a preset code itself is remembered for good.
if redis.call('EXISTS', KEYS[2]) == 1 then return 1 end
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HEXISTS', KEYS[1], 'u') == 1 then return 0 end
redis.call('HSET', KEYS[1], 'u', ARGV[1])
redis.call('SET', KEYS[2], '1', 'PX', ARGV[2])
return 1
