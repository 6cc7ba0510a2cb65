-- KEYS: otp
-- ARGV: step, operation, keep_ms
-- 1 when this step is later than any spent before, or was spent by this very operation.
local last = redis.call('GET', KEYS[1])
if last then
  local step, operation = string.match(last, '^(%d+) (.*)$')
  if operation == ARGV[2] and step == ARGV[1] then return 1 end
  if tonumber(ARGV[1]) <= tonumber(step) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[3])
return 1
