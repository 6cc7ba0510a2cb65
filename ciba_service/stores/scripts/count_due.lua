-- KEYS: due, of one partition or of many
-- ARGV: now
-- How many members are due, for each key; nothing is changed.
local counts = {}
for position, key in ipairs(KEYS) do
  counts[position] = redis.call('ZCOUNT', key, '-inf', ARGV[1])
end
return counts
