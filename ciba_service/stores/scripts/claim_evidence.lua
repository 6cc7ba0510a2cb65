-- KEYS: evidence, chain
-- ARGV: operation, now, lease_until, limit
-- {fence, number, hash, records...}: the first records, leased, and how far their chain goes.
-- {}: another holds the lease, or nothing waits.
local c = redis.call('HMGET', KEYS[2], 'o', 'u', 'f', 'n', 'h')
if c[1] ~= ARGV[1] then
  if c[1] and tonumber(c[2]) > tonumber(ARGV[2]) then return {} end
  if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
  c[3] = redis.call('HINCRBY', KEYS[2], 'f', 1)
  redis.call('HSET', KEYS[2], 'o', ARGV[1], 'u', ARGV[3])
end
local found = redis.call('LRANGE', KEYS[1], 0, tonumber(ARGV[4]) - 1)
return {tostring(c[3]), c[4] or '', c[5] or '', unpack(found)}
