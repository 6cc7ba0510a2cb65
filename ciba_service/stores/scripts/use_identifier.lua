-- KEYS: identifiers used, those used before them; and the same two of those that last long
-- ARGV: identifier, operation, until, which of KEYS it is to be in
-- 1: used by this operation, now or before; 0: by another.
for _, key in ipairs(KEYS) do
  local used_by = redis.call('HGET', key, ARGV[1])
  if used_by then return used_by == ARGV[2] and 1 or 0 end
end
local used, before = KEYS[tonumber(ARGV[4])], KEYS[tonumber(ARGV[4]) + 1]
local ends = redis.call('PEXPIRETIME', used)
if ends > 0 and redis.call('EXISTS', before) == 0 then
  redis.call('RENAME', used, before)
  ends = 0
end
redis.call('HSET', used, ARGV[1], ARGV[2])
if ends < tonumber(ARGV[3]) then redis.call('PEXPIREAT', used, ARGV[3]) end
return 1
