-- KEYS: transaction, due, evidence; for a redemption also grant, and access token if it is ours
-- ARGV: event, operation, now, format, expire member, settle member, decided, reason,
--       callback member, callback due_at, push, evidence, SCA receipt, settle due_at;
--       for a redemption also grant format, grant, refresh token hash, its good_until, and
--       access token, its expires_at if it is ours
-- {1, state}: the event happened, now or before by this operation; {1, state, 1}: and a callback
-- is due now. {0, state}: it did not.
-- {0}: there is no such transaction. {-1}: its format is unknown. {-2}: too much evidence waits, and
-- nothing is decided without it.
local event, now = ARGV[1], tonumber(ARGV[3])
local r = redis.call('HMGET', KEYS[1], 'v', 's', 'e', 'u', 'o:' .. event)
if not r[2] then return {0} end
if r[1] ~= ARGV[4] then return {-1} end
local function happened(state)
  local is_due = redis.call('HGET', KEYS[1], 'y') == 'due'
  return {1, state, is_due and redis.call('HEXISTS', KEYS[1], 'n') == 1 and 1 or nil}
end
if r[5] == ARGV[2] then return happened(r[2]) end
local state, current = advance(r[2], event, r[3], r[4], now)
if not state then return {0, current} end
if ARGV[12] ~= '' then
  if redis.call('LLEN', KEYS[3]) >= EVIDENCE_LIMIT then return {-2} end
  redis.call('RPUSH', KEYS[3], ARGV[12])
end

redis.call('HSET', KEYS[1], 's', state, 'o:' .. event, ARGV[2])
if event ~= 'expire' then tell(KEYS[1], state, ARGV[3], ARGV[8]) end
if event == 'approve' then
  redis.call('HSET', KEYS[1], 'd', ARGV[7], 'u', integer(redeemable_until(r[3], now)))
  if ARGV[13] ~= '' then redis.call('HSET', KEYS[1], SCA_RECEIPT, ARGV[13]) end
elseif event == 'fail' or event == 'lock' or event == 'deny' then
  redis.call('HSET', KEYS[1], 'f', ARGV[8])
elseif event == 'cancel' then
  redis.call('HDEL', KEYS[1], 'n')
  redis.call('ZREM', KEYS[2], ARGV[9])
elseif event == 'redeem' then
  redis.call('HDEL', KEYS[1], 'r', 'd')
  if ARGV[11] ~= '' then
    redis.call('HSET', KEYS[1], 'p', ARGV[11])
  elseif tonumber(redis.call('HGET', KEYS[1], 'z') or 0) > 0
      or redis.call('HGET', KEYS[1], 'y') == 'abandoned' then
    -- A ping that was tried already has nothing more to tell.
    redis.call('HDEL', KEYS[1], 'n')
    redis.call('ZREM', KEYS[2], ARGV[9])
  end
  redis.call('HSET', KEYS[4], 'v', ARGV[15], 'g', ARGV[16], 'r', ARGV[17], 'u', ARGV[18])
  local good_until
  if KEYS[5] then
    redis.call('SET', KEYS[5], ARGV[19], 'PXAT', ARGV[20])
    good_until = integer(math.max(tonumber(ARGV[18]), tonumber(ARGV[20])))
  else
    -- Its tokens are another's: it lasts only so that whoever took it can be told again.
    good_until = redis.call('PEXPIRETIME', KEYS[1])
  end
  if ARGV[11] ~= '' then
    -- Until somebody has its tokens it lasts no longer than the record that brings them.
    redis.call('HSET', KEYS[4], 'w', good_until)
    good_until = redis.call('PEXPIRETIME', KEYS[1])
  end
  redis.call('PEXPIREAT', KEYS[4], good_until)
end
if r[2] == 'pending' then
  redis.call('ZREM', KEYS[2], ARGV[5])
  redis.call('ZADD', KEYS[2], ARGV[14], ARGV[6])
  if redis.call('HEXISTS', KEYS[1], 'n') == 1 then
    if CALLED_BACK[state] or state == 'expired' and redis.call('HEXISTS', KEYS[1], 'a') == 1 then
      redis.call('HSET', KEYS[1], 'y', 'due')
      redis.call('ZADD', KEYS[2], ARGV[10], ARGV[9])
    else
      redis.call('HDEL', KEYS[1], 'n')
    end
  end
end
return happened(state)
