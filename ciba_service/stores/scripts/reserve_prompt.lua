-- KEYS: prompts, devices, attempts, unanswered, denials of this client, blocks
-- ARGV: transaction, now, until, cap, attempt limit, client, member of unanswered, its prefix,
--       limit of the user, limit of the client, window_ms,
--       limit of denials, their window_ms, pause_ms, longest pause_ms (sca/prompting.py)
local now = tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 'reserved' end
if redis.call('HLEN', KEYS[2]) == 0 then return 'no_device' end
if redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[5]) then return 'locked' end

local block = redis.call('HGET', KEYS[6], ARGV[6])
if block then
  local ends = tonumber(string.match(block, '^%d+'))
  if ends == 0 or ends > now then return 'blocked' end
end
local denials, limit = 0, tonumber(ARGV[12])
if limit > 0 then
  denials = redis.call('ZCOUNT', KEYS[5], '(' .. string.format('%.0f', now - ARGV[13]), '+inf')
end
if limit > 0 and denials >= limit then
  local last = redis.call('ZREVRANGE', KEYS[5], 0, 0, 'WITHSCORES')[2]
  local pause = math.min(ARGV[14] * 2 ^ (denials - limit), tonumber(ARGV[15]))
  if last + pause > now then return 'paused' end
end

-- One place beyond the cap is for a client that has none, so that no single one keeps others out.
local beyond = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[4])
if beyond > 0 then return 'full' end
local of_user, of_client = tonumber(ARGV[9]), tonumber(ARGV[10])
if of_user > 0 or of_client > 0 then
  local members, all, own = redis.call('ZRANGE', KEYS[4], 0, -1, 'WITHSCORES'), 0, 0
  for i = 1, #members, 2 do
    local member = members[i]
    local is_own = string.sub(member, 1, #ARGV[8]) == ARGV[8]
    local counts = tonumber(members[i + 1]) > now - ARGV[11]
    if counts then
      all = all + 1
      if is_own then own = own + 1 end
    end
    if not counts or (is_own and beyond == 0) then
      -- One that counts no more is kept while it is open: it says whose it is.
      local is_open = redis.call('ZSCORE', KEYS[1], string.match(member, '[^:]*$'))
      if is_open and is_own and beyond == 0 then return 'full' end
      if not is_open and not counts then redis.call('ZREM', KEYS[4], member) end
    end
  end
  if of_user > 0 and all >= of_user then return 'unanswered' end
  if of_client > 0 and own >= of_client then return 'unanswered' end
  redis.call('ZADD', KEYS[4], now, ARGV[7])
  -- A shorter prompt does not end what says whose the longer ones are.
  local longest = math.max(ARGV[11], ARGV[3] - now, redis.call('PTTL', KEYS[4]))
  redis.call('PEXPIRE', KEYS[4], string.format('%.0f', longest))
elseif beyond == 0 then
  return 'full' -- whose the open ones are is not known then
end

redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
if redis.call('PTTL', KEYS[1]) < 0 then
  redis.call('PEXPIREAT', KEYS[1], ARGV[3])
else
  redis.call('PEXPIREAT', KEYS[1], ARGV[3], 'GT')
end
return 'reserved'
