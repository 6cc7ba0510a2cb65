-- KEYS: client
-- ARGV: 1 to disable it, 0 to enable it
-- 0: there is none. The same arguments have the same effect however often.
-- Not in the record, which the client itself replaces.
if redis.call('HEXISTS', KEYS[1], 'record') == 0 then return 0 end
if ARGV[1] == '1' then
  redis.call('HSET', KEYS[1], 'disabled', '1')
else
  redis.call('HDEL', KEYS[1], 'disabled')
end
return 1
