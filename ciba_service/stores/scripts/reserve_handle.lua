-- KEYS: handles, devices, attempts
-- ARGV: handle, device, now, until, cap, attempt limit
-- The handle's keyed hash is the operation: nobody else has it.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 'reserved' end
if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0 then return 'no_device' end
if redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[6]) then return 'locked' end
while redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[5]) do redis.call('ZPOPMIN', KEYS[1]) end
redis.call('ZADD', KEYS[1], ARGV[4], ARGV[1])
if redis.call('PTTL', KEYS[1]) < 0 then
  redis.call('PEXPIREAT', KEYS[1], ARGV[4])
else
  redis.call('PEXPIREAT', KEYS[1], ARGV[4], 'GT')
end
return 'reserved'
