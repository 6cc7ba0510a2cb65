-- KEYS: transaction
-- ARGV: client, operation, now, format
-- Replies: {'unknown'} | {'foreign'} | {'format'} | {'pending', interval} | {'slow_down', interval} |
-- {'settled', the FIELDS that
-- stores/asking/transactions.py names and puts before this text}. The rate rule is protocol/transaction/polling.py.
local r = redis.call('HMGET', KEYS[1], 'c', 'v', 's', 'e', 'u', 'i', 'l', 'q', 'w')
if not r[1] then return {'unknown'} end
if r[1] ~= ARGV[1] then return {'foreign'} end
if r[2] ~= ARGV[4] then return {'format'} end
local now = tonumber(ARGV[3])
if effective_state(r[3], r[4], r[5], now) ~= 'pending' then
  return {'settled', unpack(redis.call('HMGET', KEYS[1], unpack(FIELDS)))}
end
if r[8] == ARGV[2] then return {r[9], tonumber(r[6])} end

local interval, last = tonumber(r[6]), tonumber(r[7] or 0)
local tolerance = math.max(TOLERANCE_MS, math.floor(interval / TOLERANCE_DIVISOR))
local verdict = 'pending'
if last ~= 0 and math.abs(now - last) < interval - tolerance then
  verdict = 'slow_down'
  interval = interval + SLOW_DOWN_STEP_MS
end
redis.call('HSET', KEYS[1], 'i', integer(interval), 'l', ARGV[3],
  'q', ARGV[2], 'w', verdict, 'b', r[6] .. ' ' .. (r[7] or '0'))
return {verdict, interval}
