-- Puts an hour's packed value in place of its minutes, if nothing changed since the caller read them.
--
-- KEYS[1]  P:{topic-n}:state           KEYS[2]  P:{topic-n}:turns:D:AGENT   KEYS[3]  P:{topic-n}:minutes:D:AGENT
-- KEYS[4]  P:{topic-n}:hours:D:AGENT     KEYS[5]  P:{topic-n}:packed:D:AGENT
-- ARGV[1]  expected offset     ARGV[2]  hour     ARGV[3]  turns of the packed part as read, 0 for none
-- ARGV[4]  MessagePack map minute -> turns as read: exactly the hour's minutes
-- ARGV[5]  turns of the new packed value     ARGV[6]  the value ('' to leave what there is)
-- ARGV[7]  the oldest hour to keep
--
-- Returns 1, or 0 and changes nothing when the offset, a minute or the packed part is not as the caller saw it.

local hour, read = tonumber(ARGV[2]), cmsgpack.unpack(ARGV[4])
if redis.call('HGET', KEYS[1], 'next') ~= ARGV[1] then return 0 end
if tonumber(redis.call('HGET', KEYS[4], hour) or 0) ~= tonumber(ARGV[3]) then return 0 end
local fold = {}
for minute = hour * 60, hour * 60 + 59 do
  local turns = tonumber(redis.call('HGET', KEYS[2], minute) or 0)
  if turns ~= (read[minute] or 0) then return 0 end
  if turns ~= 0 then fold[#fold + 1] = minute end
end
local expired = {}
for _, known in ipairs(redis.call('HKEYS', KEYS[4])) do
  if tonumber(known) < tonumber(ARGV[7]) then expired[#expired + 1] = known end
end

if ARGV[6] ~= '' then
  redis.call('HSET', KEYS[5], hour, ARGV[6])
  redis.call('HSET', KEYS[4], hour, ARGV[5])
  redis.call('HDEL', KEYS[3], unpack(fold))
  redis.call('HDEL', KEYS[2], unpack(fold))
end
for _, old in ipairs(expired) do
  redis.call('HDEL', KEYS[5], old)
  redis.call('HDEL', KEYS[4], old)
end
return 1
