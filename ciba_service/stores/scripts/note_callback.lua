-- KEYS: transaction, due
-- ARGV: member, lease_until, state, attempts, again_at (0: never), reason
-- 1: written down, now or before under this lease; 0: somebody else holds the lease by now.
if redis.call('HGET', KEYS[1], 'k') == ARGV[2] then return 1 end
local score = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not score or tonumber(score) ~= tonumber(ARGV[2]) then return 0 end
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('ZREM', KEYS[2], ARGV[1])
  return 0
end
redis.call('HSET', KEYS[1], 'y', ARGV[3], 'z', ARGV[4], 'x', ARGV[6], 'k', ARGV[2])
if ARGV[5] == '0' then
  redis.call('HDEL', KEYS[1], 'n', 'p')
  redis.call('ZREM', KEYS[2], ARGV[1])
else
  redis.call('ZADD', KEYS[2], ARGV[5], ARGV[1])
end
return 1
