-- KEYS: transaction
-- ARGV: format, now
-- The user's tag: told, now or before; 0: there is no such transaction, or it is decided or expired.
-- -1: unknown format.
local r = redis.call('HMGET', KEYS[1], 's', 'v', 'h', 't', 'e', 'E', 'g')
if not r[2] then return 0 end
if r[2] ~= ARGV[1] then return -1 end
if r[1] ~= 'pending' then return 0 end
if tonumber(ARGV[2]) >= tonumber(r[5]) then return 0 end
if r[7] then return r[4] end
if not r[3] then
  -- As nearly always it is the first entry after the request: its time alone is kept.
  redis.call('HSET', KEYS[1], 'g', string.format('%.0f', ARGV[2] - (r[5] - r[6])))
elseif not string.find('\n' .. r[3], '\nannounced ', 1, true) then
  tell(KEYS[1], 'announced', ARGV[2], '')
end
return r[4]
