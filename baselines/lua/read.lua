-- Reads the buckets of one agent in one partition that differ from those that the caller knows.
--
-- KEYS[1]  P:{topic-n}:turns:D:AGENT     KEYS[2]  P:{topic-n}:minutes:D:AGENT
-- KEYS[3]  P:{topic-n}:hours:D:AGENT     KEYS[4]  P:{topic-n}:packed:D:AGENT
-- ARGV[1]  MessagePack map minute -> turns known     ARGV[2]  the same for hours
-- ARGV[3]  '' for everything, or the one hour to look at
--
-- Returns {known minutes that are gone, {minute, bucket, ...}, {hour, packed, ...}}. A known hour that is gone
-- comes with an empty value. One script, so that an hour packed meanwhile is seen once: as minutes or packed.
--
-- Turns tell whether a bucket changed, for a minute's turns are those of the log that its packed hour has not. So
-- where the packed part is another one, all minutes of the hour are sent: after a roll-back of the server, a minute
-- may hold as many turns as before and yet others.

local only = tonumber(ARGV[3])

-- What an index holds that is not as known, and what is known that it no longer holds. `stale(number)` makes one
-- differ whatever its count.
local function differences(index_key, known, unit, stale)
  local changed, gone, stored = {}, {}, {}
  local flat = redis.call('HGETALL', index_key)
  for i = 1, #flat, 2 do
    local number, turns = tonumber(flat[i]), tonumber(flat[i + 1])
    stored[number] = true
    if (known[number] ~= turns or stale(number)) and (not only or math.floor(number / unit) == only) then
      changed[#changed + 1] = number
    end
  end
  for number, turns in pairs(known) do
    if turns ~= 0 and not stored[number] then gone[#gone + 1] = number end
  end
  return changed, gone
end

-- {number, value, ...}, in runs well below the most values that Lua can unpack at once.
local function values(key, numbers)
  local reply, run = {}, 1000
  for first = 1, #numbers, run do
    local last = math.min(first + run - 1, #numbers)
    local found = redis.call('HMGET', key, unpack(numbers, first, last))
    for i = first, last do
      reply[#reply + 1] = numbers[i]
      reply[#reply + 1] = found[i - first + 1]
    end
  end
  return reply
end

local hours, gone_hours = differences(KEYS[3], cmsgpack.unpack(ARGV[2]), 1, function() return false end)
local repacked = {}
for _, hour in ipairs(hours) do repacked[hour] = true end
for _, hour in ipairs(gone_hours) do repacked[hour] = true end
local minutes, gone = differences(KEYS[1], cmsgpack.unpack(ARGV[1]), 60, function(minute)
  return repacked[math.floor(minute / 60)]
end)

local packed = values(KEYS[4], hours)
for _, hour in ipairs(gone_hours) do
  packed[#packed + 1] = hour
  packed[#packed + 1] = ''
end
return {gone, values(KEYS[2], minutes), packed}
