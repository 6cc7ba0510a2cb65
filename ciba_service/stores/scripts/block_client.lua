-- KEYS: blocks
-- ARGV: client, transaction, now, until (0: it has no end)
-- 1 when this transaction's denial has blocked the client, now or before; 0 when another's has, and
-- the client is blocked still. Blocks that are over are removed; the key lives as long as the
-- longest, and while one has no end, for ever.
local now, longest = tonumber(ARGV[3]), tonumber(ARGV[4])
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local till, by = string.match(all[i + 1], '^(%d+) (.*)$')
  till = tonumber(till)
  if all[i] == ARGV[1] and by == ARGV[2] then return 1 end
  if till ~= 0 and till <= now then
    redis.call('HDEL', KEYS[1], all[i])
  elseif all[i] == ARGV[1] then
    return 0
  elseif longest ~= 0 then
    longest = till ~= 0 and math.max(till, longest) or 0
  end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[4] .. ' ' .. ARGV[2])
if longest == 0 then
  redis.call('PERSIST', KEYS[1])
else
  redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', longest))
end
return 1
