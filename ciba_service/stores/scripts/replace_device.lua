-- KEYS: devices, notices
-- ARGV: device id, record as it was read, record as it is to be, notice ('' for none), now
-- 1: replaced, now or before (a record is sealed with randomness of its own, so that an equal one
-- is this operation's); 0: it is another by now, or gone.
local record = redis.call('HGET', KEYS[1], ARGV[1])
if record == ARGV[3] then return 1 end
if record ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if ARGV[4] ~= '' then keep_notice(KEYS[2], ARGV[4], ARGV[5]) end
return 1
