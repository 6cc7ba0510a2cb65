-- KEYS: devices, wake-ups
-- ARGV: device id, address
-- 1: kept in place of the one before; 0: the phone is not enrolled.
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return 1
