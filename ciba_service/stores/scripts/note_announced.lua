-- KEYS: transaction
-- ARGV: format, now
-- 1: told, now or before; 0: there is no such transaction, or it is decided. -1: unknown format.
local r = redis.call('HMGET', KEYS[1], 's', 'v', 'h')
if r[1] ~= 'pending' then return 0 end
if r[2] ~= ARGV[1] then return -1 end
if not string.find('\n' .. (r[3] or ''), '\nannounced ', 1, true) then
  tell(KEYS[1], 'announced', ARGV[2], '')
end
return 1
