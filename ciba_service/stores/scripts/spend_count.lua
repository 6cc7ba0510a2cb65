-- KEYS: sign counts of a phone's passkeys, count spent by this operation, devices
-- ARGV: passkey, count, count at its registration, keep_ms, device id
-- 1 when this count is higher than any before, or was spent by this very operation, or when this
-- passkey never counts; a count below 0 stands for no passkey. Of a phone that was revoked
-- meanwhile nothing is kept, since nobody would take it away again.
local count = tonumber(ARGV[2])
if redis.call('GET', KEYS[2]) == ARGV[2] then return 1 end
local last = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or ARGV[3])
if count == 0 and last == 0 then return 1 end
if count <= last then return 0 end
if redis.call('HEXISTS', KEYS[3], ARGV[5]) == 1 then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[4])
return 1
