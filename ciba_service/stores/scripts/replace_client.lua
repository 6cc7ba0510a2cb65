-- KEYS: client, change of this operation
-- ARGV: record, keep_ms
if redis.call('EXISTS', KEYS[2]) == 1 then return 1 end
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'record', ARGV[1])
redis.call('SET', KEYS[2], '1', 'PX', ARGV[2])
return 1
