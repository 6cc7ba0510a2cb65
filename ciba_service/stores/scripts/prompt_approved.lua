-- KEYS: unanswered, denials of this client, prompts
-- ARGV: member of unanswered, transaction
-- Give the slot back, and forget what came before the prompt that was approved, and nothing that
-- came after it.
redis.call('ZREM', KEYS[3], ARGV[2])
local at = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not at then return 0 end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', at)
return redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', at)
