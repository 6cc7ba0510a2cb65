-- KEYS: devices, revocation of this operation, sign counts of the phone's passkeys, wake-ups, notices
-- ARGV: device id, keep_ms, id of the phone that asks ('' for an operator), now
-- The name of the phone this operation revoked, now or before; false: there is no such phone;
-- -1: the phone that asks is not enrolled itself.
local revoked = redis.call('GET', KEYS[2])
if revoked then return revoked end
if ARGV[3] ~= '' and redis.call('HEXISTS', KEYS[1], ARGV[3]) == 0 then return -1 end
local record = redis.call('HGET', KEYS[1], ARGV[1])
if not record then return false end
local readable, members = pcall(cjson.decode, record)
local name = readable and type(members) == 'table' and tostring(members.name or '') or ''
redis.call('HDEL', KEYS[4], ARGV[1])
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[3])
redis.call('SET', KEYS[2], name, 'PX', ARGV[2])
keep_notice_of(KEYS[5], 'revoked', ARGV[1], name, ARGV[4])
return name
