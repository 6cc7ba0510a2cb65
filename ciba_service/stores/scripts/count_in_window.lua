-- KEYS: operations that count
-- ARGV: operation, limit, window_ms, now
-- 1 when it counts, now or before; 0 when as many count as may.
-- Each counts for the window; the key goes with the last of them.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', tonumber(ARGV[4]) - tonumber(ARGV[3]))
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 1 end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[4], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
