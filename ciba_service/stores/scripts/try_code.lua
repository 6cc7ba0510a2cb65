-- KEYS: activation, use by this operation
-- ARGV: operation, limit, format
-- {subject, further, salt, proof}, each try counted once before it is looked at; or false when
-- there is no such code, it was tried too often, or it was used: by another operation, or so long
-- ago by this one that it is no retry. {} when the format is unknown.
local r = redis.call('HMGET', KEYS[1], 's', 't', 'h', 'u', 'n', 'a:' .. ARGV[1], 'v', 'f')
if not r[1] then return false end
if r[7] ~= ARGV[3] or not (r[2] and r[3] and r[8]) then return {} end
if r[4] then
  if redis.call('EXISTS', KEYS[2]) == 0 then return false end
elseif not r[6] then
  if tonumber(r[5] or 0) >= tonumber(ARGV[2]) then return false end
  redis.call('HINCRBY', KEYS[1], 'n', 1)
  redis.call('HSET', KEYS[1], 'a:' .. ARGV[1], '1')
end
return {r[1], r[8], r[2], r[3]}
