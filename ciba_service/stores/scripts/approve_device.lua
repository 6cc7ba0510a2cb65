-- KEYS: devices, waiting, record, approval of this operation, notices
-- ARGV: device id, record as it was read, record as it is to be, name, now,
--   id of the phone that asks, keep_ms, notice
-- The name of the phone this operation approved, now or before; false: no such phone waits;
-- -1: the phone that asks is not enrolled itself.
local approved = redis.call('GET', KEYS[4])
if approved then return approved end
if redis.call('HEXISTS', KEYS[1], ARGV[6]) == 0 then return -1 end
local ends = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not ends or tonumber(ends) <= tonumber(ARGV[5]) then return false end
if redis.call('GET', KEYS[3]) ~= ARGV[2] then return false end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[3])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('SET', KEYS[4], ARGV[4], 'PX', ARGV[7])
keep_notice(KEYS[5], ARGV[8], ARGV[5])
return ARGV[4]
