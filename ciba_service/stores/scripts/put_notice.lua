-- KEYS: notices
-- ARGV: notice, now, how many are kept, keep_ms
-- The notice is its own operation: put again, it stays where it was.
redis.call('ZADD', KEYS[1], 'NX', ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -tonumber(ARGV[3]) - 1)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
