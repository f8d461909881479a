-- Runs once each command that the scripts use (the outbox's too), on keys of its own that it leaves empty: a user
-- who may not run one is found out here, and not in the middle of a script whose writes cannot be taken back.
--
-- KEYS[1]  P:{probe}, a hash     KEYS[2]  P:{probe}:value     KEYS[3]  P:{probe}:list
--
-- Returns 1.

redis.call('HSET', KEYS[1], 'field', '1')
redis.call('HGET', KEYS[1], 'field')
redis.call('HMGET', KEYS[1], 'field')
redis.call('HGETALL', KEYS[1])
redis.call('HKEYS', KEYS[1])
redis.call('HEXISTS', KEYS[1], 'field')
redis.call('HLEN', KEYS[1])
redis.call('HRANDFIELD', KEYS[1])
redis.call('HDEL', KEYS[1], 'field')
redis.call('SET', KEYS[2], '1')
redis.call('GET', KEYS[2])
redis.call('PEXPIRE', KEYS[2], 1000)
redis.call('DEL', KEYS[2])
redis.call('RPUSH', KEYS[3], '1')
redis.call('LTRIM', KEYS[3], 1, 0)
redis.call('TIME')
return 1
