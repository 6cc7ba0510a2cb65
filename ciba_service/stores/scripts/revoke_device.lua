-- KEYS: devices, revocation of this operation
-- ARGV: device id, keep_ms
if redis.call('EXISTS', KEYS[2]) == 1 then return 1 end
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('SET', KEYS[2], '1', 'PX', ARGV[2])
return 1
