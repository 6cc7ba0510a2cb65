-- KEYS: transaction
-- ARGV: format, now
-- The user's tag: told, now or before; 0: there is no such transaction, or it is decided or expired.
-- -1: unknown format.
local r = redis.call('HMGET', KEYS[1], 's', 'v', 'h', 't', 'e')
if not r[2] then return 0 end
if r[2] ~= ARGV[1] then return -1 end
if r[1] ~= 'pending' then return 0 end
if tonumber(ARGV[2]) >= tonumber(r[5]) then return 0 end
if not string.find('\n' .. (r[3] or ''), '\nannounced ', 1, true) then
  tell(KEYS[1], 'announced', ARGV[2], '')
end
return r[4]
