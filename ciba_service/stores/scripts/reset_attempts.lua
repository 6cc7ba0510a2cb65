-- KEYS: attempts, reset of this operation
-- ARGV: keep_ms
if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1])
return 1
