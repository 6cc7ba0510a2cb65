-- KEYS: activation
-- ARGV: operation, subject, further (1 or 0), salt, proof, expires_at (0: kept for good), format
local operation = redis.call('HGET', KEYS[1], 'o')
if operation then return operation == ARGV[1] and 1 or 0 end
redis.call('HSET', KEYS[1], 'o', ARGV[1], 'v', ARGV[7],
  's', ARGV[2], 'f', ARGV[3], 't', ARGV[4], 'h', ARGV[5])
if ARGV[6] ~= '0' then redis.call('PEXPIREAT', KEYS[1], ARGV[6]) end
return 1
