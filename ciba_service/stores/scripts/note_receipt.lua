-- KEYS: transaction
-- ARGV: format, now, user, kind, mark of kind and phone, bytes of marks at most
-- 1: told, now or before; 0: there is no such transaction of this user, it is decided, or there are
-- too many receipts. -1: unknown format.
local r = redis.call('HMGET', KEYS[1], 's', 'v', 't', 'm')
if r[1] ~= 'pending' then return 0 end
if r[2] ~= ARGV[1] then return -1 end
if r[3] ~= ARGV[3] then return 0 end
local marks = r[4] or ''
if string.find(marks, ARGV[5], 1, true) then return 1 end
if #marks >= tonumber(ARGV[6]) then return 0 end
redis.call('HSET', KEYS[1], 'm', marks .. ARGV[5])
tell(KEYS[1], ARGV[4], ARGV[2], '')
return 1
