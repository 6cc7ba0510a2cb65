-- KEYS: devices, enrolment of this operation, notices
-- ARGV: device id, record, limit, keep_ms, notice, now
-- The id of the phone this operation enrolled, now or before; false when there are too many.
local enrolled = redis.call('GET', KEYS[2])
if enrolled then return enrolled end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return false end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[4])
keep_notice(KEYS[3], ARGV[5], ARGV[6])
return ARGV[1]
