-- KEYS: transaction, due, abandoned, grant
-- ARGV: member, lease_until, state, attempts, again_at (0: never), reason,
--       transaction, now, kept_ms, most; and last its line in the ledger
-- 1: written down, now or before under this lease; 0: somebody else holds the lease by now. Only
-- that the client has it counts whoever holds the lease: clocks of hosts differ.
if redis.call('HGET', KEYS[1], 'k') == ARGV[2] then return 1 end
local function entry_of(client)
  return string.format('{"t":%s,"c":%s,"a":%d,"r":%s}', cjson.encode(ARGV[7]),
    cjson.encode(client), ARGV[4], cjson.encode(ARGV[6]))
end
local r = redis.call('HMGET', KEYS[1], 'c', 's', 'n', 'y')
local score = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not score then
  local is_listed = not r[1] and redis.call('ZSCORE', KEYS[3], entry_of(''))
  return is_listed and 1 or 0
end
local has_it = ARGV[3] == 'delivered' and r[4] == 'due'
if tonumber(score) ~= tonumber(ARGV[2]) and not has_it then return 0 end
local function give_up(client)
  local entry = entry_of(client)
  redis.call('ZADD', KEYS[3], ARGV[8], entry)
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', ARGV[8] - ARGV[9])
  redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - ARGV[10])
  redis.call('PEXPIRE', KEYS[3], ARGV[9])
  return entry
end
if not r[1] then
  redis.call('ZREM', KEYS[2], ARGV[1])
  if ARGV[3] ~= 'abandoned' then return 0 end
  give_up('')
  return 1
end
if not r[3] then
  redis.call('ZREM', KEYS[2], ARGV[1])
  return 0
end
tell_attempt(KEYS[1], ARGV[#ARGV], ARGV[3] == 'due')
redis.call('HSET', KEYS[1], 'y', ARGV[3], 'z', ARGV[4], 'x', ARGV[6], 'k', ARGV[2])
if ARGV[3] == 'due' then
  redis.call('ZADD', KEYS[2], ARGV[5], ARGV[1])
else
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('HDEL', KEYS[1], 'p')
end
if ARGV[3] == 'delivered' or r[2] == 'redeemed' and ARGV[3] == 'abandoned' then
  redis.call('HDEL', KEYS[1], 'n')
end
local good_until = ARGV[3] == 'delivered' and redis.call('HGET', KEYS[4], 'w')
if good_until then
  redis.call('PEXPIREAT', KEYS[4], good_until, 'GT')
  redis.call('HDEL', KEYS[4], 'w')
end
if ARGV[3] == 'abandoned' then
  -- Whom it names stays with the record otherwise, should an operator make it due again.
  redis.call('HSET', KEYS[1], 'j', give_up(r[1]))
end
return 1
