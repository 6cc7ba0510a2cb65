-- KEYS: due, kept
-- ARGV: capacity, ttl_ms, now, then pairs of id and entry
-- Keep what is to be pushed, each once, due now; how many found no place.
local unplaced = 0
for i = 4, #ARGV, 2 do
  if redis.call('HEXISTS', KEYS[2], ARGV[i]) == 0 then
    if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[1]) then
      unplaced = unplaced + 1
    else
      redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
      redis.call('ZADD', KEYS[1], ARGV[3], ARGV[i])
    end
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return unplaced
