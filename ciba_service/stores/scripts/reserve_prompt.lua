-- KEYS: prompts, devices, attempts
-- ARGV: transaction, now, until, cap, attempt limit
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 'reserved' end
if redis.call('HLEN', KEYS[2]) == 0 then return 'no_device' end
if redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[5]) then return 'locked' end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 'full' end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
if redis.call('PTTL', KEYS[1]) < 0 then
  redis.call('PEXPIREAT', KEYS[1], ARGV[3])
else
  redis.call('PEXPIREAT', KEYS[1], ARGV[3], 'GT')
end
return 'reserved'
