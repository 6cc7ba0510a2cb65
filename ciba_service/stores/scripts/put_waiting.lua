-- KEYS: devices, waiting, record, enrolment of this operation
-- ARGV: device id, record, until, now, how many may wait, how many phones in all, keep_ms
-- The id of the phone this operation put, now or before; false when no phone could approve it, or
-- there are too many.
local enrolled = redis.call('GET', KEYS[4])
if enrolled then return enrolled end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[4])
local phones, waiting = redis.call('HLEN', KEYS[1]), redis.call('ZCARD', KEYS[2])
if phones == 0 or waiting >= tonumber(ARGV[5]) or phones + waiting >= tonumber(ARGV[6]) then
  return false
end
local lasts = math.max(1, tonumber(ARGV[3]) - tonumber(ARGV[4]))
redis.call('SET', KEYS[3], ARGV[2], 'PX', lasts)
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
if redis.call('PTTL', KEYS[2]) < lasts then redis.call('PEXPIRE', KEYS[2], lasts) end
redis.call('SET', KEYS[4], ARGV[1], 'PX', ARGV[7])
return ARGV[1]
