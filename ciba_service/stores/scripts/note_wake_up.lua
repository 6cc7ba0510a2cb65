-- KEYS: transaction, due
-- ARGV: member, lease_until, again_at (0: never), attempts, marks of phones that need no more
-- 1: written down, now or before; 0: somebody else holds the lease by now.
local score, again = redis.call('ZSCORE', KEYS[2], ARGV[1]), tonumber(ARGV[3])
if (score and tonumber(score) or 0) == again then return 1 end
if not score or tonumber(score) ~= tonumber(ARGV[2]) then return 0 end
if redis.call('EXISTS', KEYS[1]) == 1 then
  local marks = redis.call('HGET', KEYS[1], 'wm') or ''
  redis.call('HSET', KEYS[1], 'wa', ARGV[4], 'wm', marks .. ARGV[5])
end
if again > 0 then
  redis.call('ZADD', KEYS[2], again, ARGV[1])
else
  redis.call('ZREM', KEYS[2], ARGV[1])
end
return 1
