-- KEYS: accesses
-- ARGV: transaction, now, until, cap, batch
-- Takes a place or puts its end off, and names those beyond the cap, the first to end first.
-- The same arguments have the same effect however often, so that a retry needs no memory.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
redis.call('ZADD', KEYS[1], 'GT', ARGV[3], ARGV[1])
if redis.call('PTTL', KEYS[1]) < 0 then
  redis.call('PEXPIREAT', KEYS[1], ARGV[3])
else
  redis.call('PEXPIREAT', KEYS[1], ARGV[3], 'GT')
end
local beyond = math.min(redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[4]), tonumber(ARGV[5]))
local crowded = {}
if beyond <= 0 then return crowded end
for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, beyond)) do
  if name ~= ARGV[1] and #crowded < beyond then crowded[#crowded + 1] = name end
end
return crowded
