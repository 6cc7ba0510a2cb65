-- KEYS: devices, waiting, record, rejection by this operation, notices
-- ARGV: device id, keep_ms, id of the phone that asks ('' for an operator), now
-- The name of the phone this operation rejected, now or before; false: no such phone waits;
-- -1: the phone that asks is not enrolled itself.
local rejected = redis.call('GET', KEYS[4])
if rejected then return rejected end
if ARGV[3] ~= '' and redis.call('HEXISTS', KEYS[1], ARGV[3]) == 0 then return -1 end
local record = redis.call('GET', KEYS[3])
redis.call('ZREM', KEYS[2], ARGV[1])
if not record then return false end
redis.call('DEL', KEYS[3])
local readable, members = pcall(cjson.decode, record)
local device = readable and type(members) == 'table' and members.device
local name = type(device) == 'table' and tostring(device.name or '') or ''
redis.call('SET', KEYS[4], name, 'PX', ARGV[2])
keep_notice_of(KEYS[5], 'rejected', ARGV[1], name, ARGV[4])
return name
