-- Counts how often reading a partition began at the same offset.
--
-- KEYS[1]  P:{topic-n}:state     ARGV[1]  offset
--
-- Returns the count, this time included; another offset begins it anew.

local offset, count = string.match(redis.call('HGET', KEYS[1], 'tried') or '', '^(%d+) (%d+)$')
count = offset == ARGV[1] and tonumber(count) + 1 or 1
redis.call('HSET', KEYS[1], 'tried', ARGV[1] .. ' ' .. string.format('%.0f', count))
return count
