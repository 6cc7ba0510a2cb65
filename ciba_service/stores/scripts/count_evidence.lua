-- KEYS: evidence, of one partition or of many
-- How many records wait, for each key; nothing is changed.
local counts = {}
for position, key in ipairs(KEYS) do
  counts[position] = redis.call('LLEN', key)
end
return counts
