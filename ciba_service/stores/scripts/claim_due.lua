-- KEYS: due, claim
-- ARGV: now, limit, lease_until, lease_ms
-- Members that are due, leased until then; the same claim gets the same members again.
local claimed = redis.call('LRANGE', KEYS[2], 0, -1)
if #claimed > 0 then return claimed end
local members = redis.call('ZRANGE', KEYS[1], '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[2])
for _, member in ipairs(members) do
  redis.call('ZADD', KEYS[1], ARGV[3], member)
  redis.call('RPUSH', KEYS[2], member)
end
if #members > 0 then redis.call('PEXPIRE', KEYS[2], ARGV[4]) end
return members
