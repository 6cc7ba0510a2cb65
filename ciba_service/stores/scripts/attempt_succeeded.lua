-- KEYS: attempts, attempt of this operation
-- ARGV: operation
-- A proven PIN forgets the attempts up to this one, a proven passkey those of passkeys among them,
-- any other success takes back its own.
local knowledge = redis.call('HGET', KEYS[2], 'knowledge')
local name = knowledge == 'passkey' and 'passkey:' .. ARGV[1] or ARGV[1]
local order = redis.call('ZSCORE', KEYS[1], name)
if not order then return 0 end
if knowledge == '1' then
  return redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', order)
end
if knowledge ~= 'passkey' then return redis.call('ZREM', KEYS[1], name) end
local forgotten = 0
for _, each in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', order)) do
  if string.sub(each, 1, 8) == 'passkey:' then
    forgotten = forgotten + redis.call('ZREM', KEYS[1], each)
  end
end
return forgotten
