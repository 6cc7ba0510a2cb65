-- KEYS: prompts, unanswered
-- ARGV: transaction, member of unanswered
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[2])
return 1
