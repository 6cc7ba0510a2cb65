-- What happened to a transaction once it was announced: lines in field h of its record, each a kind,
-- an instant, and facts as name=value (stores/asking/ledger.py). LEDGER_BYTES is put before this text.

local function append(key, line)
  redis.call('HSET', key, 'h', (redis.call('HGET', key, 'h') or '') .. line .. '\n')
end

local function tell(key, kind, at, reason)
  append(key, kind .. ' ' .. at .. (reason ~= '' and ' reason=' .. reason or ''))
end

-- A whole line, or '' for none. Once the ledger is long, attempts that are made again are left out.
local function tell_attempt(key, line, comes_again)
  if line == '' then return end
  if comes_again and redis.call('HSTRLEN', key, 'h') >= LEDGER_BYTES then return end
  append(key, line)
end

