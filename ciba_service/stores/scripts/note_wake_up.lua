-- KEYS: transaction, due
-- ARGV: member, lease_until, again_at (0: never), attempts, marks of phones that need no more
-- 1: written down, now or before, or there is nothing left to write it down in; 0: somebody else
-- holds the lease by now.
if redis.call('HGET', KEYS[1], 'wa') == ARGV[4] then return 1 end
local exists = redis.call('EXISTS', KEYS[1]) == 1
local score = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not score then return exists and 0 or 1 end
if tonumber(score) ~= tonumber(ARGV[2]) then return 0 end
if exists then
  local marks = redis.call('HGET', KEYS[1], 'wm') or ''
  redis.call('HSET', KEYS[1], 'wa', ARGV[4], 'wm', marks .. ARGV[5])
end
if tonumber(ARGV[3]) > 0 then
  redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
else
  redis.call('ZREM', KEYS[2], ARGV[1])
end
return 1
