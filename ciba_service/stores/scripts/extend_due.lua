-- KEYS: due
-- ARGV: member, lease_until, new lease_until
-- 1: the lease is longer, now or before by the same wish; 0: somebody else holds it.
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score then return 0 end
if tonumber(score) == tonumber(ARGV[3]) then return 1 end
if tonumber(score) ~= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return 1
