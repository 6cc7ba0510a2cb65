-- KEYS: wake-ups
-- ARGV: device id, address as it was read
-- 1: forgotten; 0: it is another by now, or gone.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
