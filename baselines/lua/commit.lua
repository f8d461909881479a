-- Applies one link of a partition's chain: counts and next offset in one step, or nothing at all.
--
-- KEYS[1]      P:{topic-n}:state
-- KEYS[2]      P:{topic-n}:ids
-- KEYS[2a+1]   P:{topic-n}:turns:D:AGENT    of the a-th agent with buckets, a = 1, 2, ...; D is the digest that
--              it counts under once the switches are made
-- KEYS[2a+2]   P:{topic-n}:minutes:D:AGENT  of the same agent
-- ARGV[1]      MessagePack map: expected ('' for never committed), next, topic, at, watermark ('' for none), caught_up:
--              strings, so that offsets and times keep every digit; digests: agent -> digest;
--              switches: array of {agent, old, to}, '' for none; gaps: JSON, '' to leave what is stored; ids: names of
--              blocks of ids to keep, forgotten: of blocks to keep no longer
-- ARGV[2]      MessagePack array with {a, minute, turns} for each bucket
-- ARGV[3...]   each bucket as a MessagePack map: field -> count, pointer name -> text; then each block of ids
--
-- Returns 'applied', 'already', 'refused', 'digest' or 'topic'. Every read and check comes first: from the first
-- write on nothing can fail, for Redis does not undo what a failing script has written. The offset goes last.

local state_key = KEYS[1]
local commit = cmsgpack.unpack(ARGV[1])
local DIGEST, ADOPTED = 'bin_set:', 'adopted:'

local state = {}
local flat = redis.call('HGETALL', state_key)
for i = 1, #flat, 2 do state[flat[i]] = flat[i + 1] end

local function adopted(agent)
  return state[DIGEST .. agent] or ''
end

-- The stored digests are exactly `wanted`, an agent -> digest map.
local function counts_under(wanted)
  local stored = 0
  for field in pairs(state) do
    if string.sub(field, 1, #DIGEST) == DIGEST then stored = stored + 1 end
  end
  for agent, digest in pairs(wanted) do
    if adopted(agent) ~= digest then return false end
    stored = stored - 1
  end
  return stored == 0
end

local after = {}
for agent, digest in pairs(commit.digests) do after[agent] = digest end
for _, switch in ipairs(commit.switches) do
  after[switch[1]] = switch[3] ~= '' and switch[3] or nil
end

local stored = state.next or ''
if state.topic and state.topic ~= commit.topic then return 'topic' end
if stored == commit.next and (stored ~= commit.expected or #commit.switches > 0) and counts_under(after) then
  return 'already'
end
if stored == commit.next and stored ~= commit.expected then return 'digest' end
if stored ~= commit.expected then return 'refused' end
if not counts_under(commit.digests) then return 'digest' end
for _, switch in ipairs(commit.switches) do
  if adopted(switch[1]) ~= switch[2] then return 'digest' end
end

-- Merge in memory: a bucket that is new is stored as it came.
local buckets = cmsgpack.unpack(ARGV[2])
local values, totals = {}, {}
for i, bucket in ipairs(buckets) do
  local turns_key, minutes_key, minute = KEYS[2 * bucket[1] + 1], KEYS[2 * bucket[1] + 2], bucket[2]
  local old = redis.call('HGET', minutes_key, minute)
  totals[i] = tonumber(redis.call('HGET', turns_key, minute) or 0) + bucket[3]
  values[i] = ARGV[2 + i]
  if old then
    local merged = cmsgpack.unpack(old)
    for field, value in pairs(cmsgpack.unpack(values[i])) do
      local known = merged[field]
      if known == nil then
        merged[field] = value
      elseif type(value) == 'number' then
        merged[field] = known + value
      end
    end
    values[i] = cmsgpack.pack(merged)
  end
end
local watermark = commit.watermark
if state.watermark and (watermark == '' or tonumber(state.watermark) > tonumber(watermark)) then
  watermark = state.watermark
end

for i, bucket in ipairs(buckets) do
  redis.call('HSET', KEYS[2 * bucket[1] + 2], bucket[2], values[i])
  redis.call('HSET', KEYS[2 * bucket[1] + 1], bucket[2], string.format('%.0f', totals[i]))
end
for i, name in ipairs(commit.ids) do redis.call('HSET', KEYS[2], name, ARGV[2 + #buckets + i]) end
for _, name in ipairs(commit.forgotten) do redis.call('HDEL', KEYS[2], name) end
for _, switch in ipairs(commit.switches) do
  if switch[3] ~= '' then
    local from = (stored ~= '' and stored or '0') .. ' ' .. (state.watermark or '')
    redis.call('HSET', state_key, DIGEST .. switch[1], switch[3], ADOPTED .. switch[1], from)
  else
    redis.call('HDEL', state_key, DIGEST .. switch[1], ADOPTED .. switch[1])
  end
end
if watermark ~= '' then redis.call('HSET', state_key, 'watermark', watermark) end
if commit.gaps ~= '' then redis.call('HSET', state_key, 'gaps', commit.gaps) end
redis.call('HSET', state_key, 'topic', commit.topic, 'caught_up', commit.caught_up, 'at', commit.at, 'next', commit.next)
return 'applied'
