-- KEYS: transaction, due, abandoned
-- ARGV: operation, format, now, callback member, its line in the ledger
-- 'due': it is due again, now or before by the same operation; else why nothing was changed.
local r = redis.call('HMGET', KEYS[1], 'v', 's', 'n', 'j', 'o:redeliver')
if not r[2] then return 'gone' end
if r[1] ~= ARGV[2] then return 'format' end
if r[5] == ARGV[1] then return 'due' end
if not r[4] then return 'not_abandoned' end
if r[2] == 'redeemed' then return 'redeemed' end
if not r[3] then return 'nothing_kept' end
append(KEYS[1], ARGV[5])
redis.call('HSET', KEYS[1], 'y', 'due', 'z', 0, 'o:redeliver', ARGV[1])
redis.call('HDEL', KEYS[1], 'x', 'j', 'k')
redis.call('ZREM', KEYS[3], r[4])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[4])
return 'due'
