-- KEYS: otp, spent by this operation
-- ARGV: step, keep_ms
-- 1 when this step is later than any spent before, or was spent by this very operation.
if redis.call('GET', KEYS[2]) == ARGV[1] then return 1 end
if tonumber(ARGV[1]) <= tonumber(redis.call('GET', KEYS[1]) or -1) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
