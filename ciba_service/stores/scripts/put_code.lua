-- KEYS: activation
-- ARGV: operation, subject, salt, second secret hash, expires_at (0: kept for good), format
local operation = redis.call('HGET', KEYS[1], 'o')
if operation then return operation == ARGV[1] and 1 or 0 end
redis.call('HSET', KEYS[1], 'o', ARGV[1], 'v', ARGV[6],
  's', ARGV[2], 't', ARGV[3], 'h', ARGV[4])
if ARGV[5] ~= '0' then redis.call('PEXPIREAT', KEYS[1], ARGV[5]) end
return 1
