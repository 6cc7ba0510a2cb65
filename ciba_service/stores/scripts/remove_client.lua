-- KEYS: client, change of this operation
-- ARGV: keep_ms
if redis.call('EXISTS', KEYS[2]) == 1 then return 1 end
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
redis.call('SET', KEYS[2], '1', 'PX', ARGV[1])
return 1
