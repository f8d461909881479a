-- The owner's word on whether it has read its partition to the end.
--
-- KEYS[1]  P:{topic-n}:state
-- ARGV     expected offset, caught_up ('0' or '1'), at
--
-- Returns 1, or 0 and changes nothing when the stored offset is not `expected`.

if redis.call('HGET', KEYS[1], 'next') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'caught_up', ARGV[2], 'at', ARGV[3])
return 1
