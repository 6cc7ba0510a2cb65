-- KEYS: attempts of a client at a user's code
-- ARGV: operation, limit, window_ms, now
-- 1 when the code may be compared, 0 when as many attempts count as may (request/user_code.py).
-- Each attempt counts for the window; the key goes with the last of them.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', tonumber(ARGV[4]) - tonumber(ARGV[3]))
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 1 end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[4], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
