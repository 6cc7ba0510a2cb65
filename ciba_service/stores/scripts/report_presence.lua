-- KEYS: presence
-- ARGV: process, phones, until, now
-- Note how many phones a process has, and forget those that no longer say; returns the sum.
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ':' .. ARGV[3])
local sum, last, entries = 0, 0, redis.call('HGETALL', KEYS[1])
for position = 1, #entries, 2 do
  local phones, stop = string.match(entries[position + 1], '^(%d+):(%d+)$')
  if tonumber(stop) > tonumber(ARGV[4]) then
    sum, last = sum + tonumber(phones), math.max(last, tonumber(stop))
  else
    redis.call('HDEL', KEYS[1], entries[position])
  end
end
redis.call('PEXPIREAT', KEYS[1], string.format('%d', last))
return sum
