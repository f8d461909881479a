-- Makes a topic's partitions known; a worker with older metadata never takes one away.
--
-- KEYS[1]  P:partitions     ARGV  topic, number of partitions

local known = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0)
if tonumber(ARGV[2]) > known then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
return 1
