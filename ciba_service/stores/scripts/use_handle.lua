-- KEYS: handles, devices, use by this operation
-- ARGV: handle, device, now, keep_ms
-- 1 when this operation has used the handle, now or before.
if redis.call('EXISTS', KEYS[3]) == 1 then return 1 end
local untilms = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not untilms or tonumber(untilms) <= tonumber(ARGV[3]) then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0 then return 0 end
redis.call('SET', KEYS[3], '1', 'PX', ARGV[4])
return 1
