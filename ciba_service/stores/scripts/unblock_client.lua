-- KEYS: blocks, denials of this client
-- ARGV: client
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
return 1
