-- KEYS: events
-- ARGV: capacity, ttl_ms, now, then the events
-- Keep the last events of all processes, each once, numbered in the order in which they came. The
-- first number is the time, so that none comes twice after they have faded. The last number.
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
local number = last and tonumber(last) or tonumber(ARGV[3])
for i = 4, #ARGV do
  if not redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    number = number + 1
    redis.call('ZADD', KEYS[1], string.format('%.0f', number), ARGV[i])
  end
end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return number
