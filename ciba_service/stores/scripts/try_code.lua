-- KEYS: activation
-- ARGV: operation, limit
-- {subject, salt, second secret hash}, each try counted once before it is looked at; or false when
-- there is no such code, another operation has used it, or it was tried too often.
local r = redis.call('HMGET', KEYS[1], 's', 't', 'h', 'u', 'n', 'a:' .. ARGV[1])
if not r[1] or (r[4] and r[4] ~= ARGV[1]) then return false end
if not r[4] and not r[6] then
  if tonumber(r[5] or 0) >= tonumber(ARGV[2]) then return false end
  redis.call('HINCRBY', KEYS[1], 'n', 1)
  redis.call('HSET', KEYS[1], 'a:' .. ARGV[1], '1')
end
return {r[1], r[2], r[3]}
