-- KEYS: unanswered, denials of this client, prompts
-- ARGV: member of unanswered, transaction
-- Give the slot back, and forget what came before the prompt that was approved, and nothing that
-- came after it. What is still open counts no more, and goes on saying whose it is and since when:
-- its score is negative from then on.
redis.call('ZREM', KEYS[3], ARGV[2])
local at = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not at then return 0 end
local until_then = string.format('%.0f', math.abs(at))
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', until_then)
local members = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', until_then, 'WITHSCORES')
for i = 1, #members, 2 do
  if redis.call('ZSCORE', KEYS[3], string.match(members[i], '[^:]*$')) then
    redis.call('ZADD', KEYS[1], string.format('%.0f', -math.abs(members[i + 1])), members[i])
  else
    redis.call('ZREM', KEYS[1], members[i])
  end
end
return 1
