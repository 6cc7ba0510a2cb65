-- KEYS: transaction, due
-- ARGV: mark of the operation, format, client, expires_at, interval_ms, request, keep_until, now,
--       how long it lives, announce member, expire member, user tag, callback,
--       whether it is made on expiry,
--       until when the lease lasts of who tells the phones at once, if anybody does
-- 1: stored, now or before by the same operation; 0: another operation holds the name.
local owner = redis.call('HGET', KEYS[1], 'o')
if owner then return owner == ARGV[1] and 1 or 0 end
redis.call('HSET', KEYS[1], 'o', ARGV[1], 'v', ARGV[2], 's', 'pending', 'c', ARGV[3],
  'e', ARGV[4], 'E', ARGV[9], 'i', ARGV[5], 'r', ARGV[6], 't', ARGV[12])
if ARGV[13] ~= '' then redis.call('HSET', KEYS[1], 'n', ARGV[13]) end
if ARGV[14] ~= '' then redis.call('HSET', KEYS[1], 'a', ARGV[14]) end
redis.call('PEXPIREAT', KEYS[1], ARGV[7])
local announced_until = ARGV[15]
if announced_until == '' then announced_until = ARGV[8] else redis.call('HSET', KEYS[1], 'g', 0) end
redis.call('ZADD', KEYS[2], announced_until, ARGV[10], ARGV[4], ARGV[11])
return 1
