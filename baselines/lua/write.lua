-- Writes an agent's state in one step, fenced by the lease's token.
--
-- KEYS[1]    P:{AGENT}:fence     KEYS[1+i]  the key of the i-th write, whose kind is part of the key
-- ARGV[1]    token
-- ARGV[2...] for each write: 'put', '', value | 'delete', '', '' | 'field', field, value
--            | 'push', entries to keep, value
--
-- Returns 1, or 0 and writes nothing for a token below the highest seen.

if tonumber(ARGV[1]) < tonumber(redis.call('GET', KEYS[1]) or 0) then return 0 end

redis.call('SET', KEYS[1], ARGV[1])
for i = 2, #KEYS do
  local at = 3 * i - 4
  local kind, detail, value = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  if kind == 'put' then
    redis.call('SET', KEYS[i], value)
  elseif kind == 'delete' then
    redis.call('DEL', KEYS[i])
  elseif kind == 'field' then
    redis.call('HSET', KEYS[i], detail, value)
  else
    redis.call('RPUSH', KEYS[i], value)
    redis.call('LTRIM', KEYS[i], -tonumber(detail), -1)
  end
end
return 1
