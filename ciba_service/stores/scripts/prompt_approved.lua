-- KEYS: unanswered, denials of this client, prompts
-- ARGV: member of unanswered, transaction
-- Give the slot back, and forget what came before the prompt that was approved, and nothing that
-- came after it. What is still open counts no more, and goes on saying whose it is.
redis.call('ZREM', KEYS[3], ARGV[2])
local at = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not at then return 0 end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', at)
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', at)) do
  if redis.call('ZSCORE', KEYS[3], string.match(member, '[^:]*$')) then
    redis.call('ZADD', KEYS[1], 0, member)
  else
    redis.call('ZREM', KEYS[1], member)
  end
end
return 1
