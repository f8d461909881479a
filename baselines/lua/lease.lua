-- Takes, renews or gives up the leader's lease.
--
-- KEYS[1]  P:{lease}, 'token owner'     KEYS[2]  P:{lease}:token, the highest token given
-- ARGV     'acquire' or 'release', owner, time to live in ms
--
-- Returns the token as text when the lease is the owner's (acquire) or was (release), else ''. A new token is above
-- every earlier one, and not below the server's clock in ms, so that it grows even where the counter was lost.

local held = redis.call('GET', KEYS[1])
local token, owner
if held then token, owner = string.match(held, '^(%d+) (.*)$') end

if held and owner ~= ARGV[2] then return '' end
if ARGV[1] == 'release' then
  redis.call('DEL', KEYS[1])
  return token or ''
end
if held then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return token
end
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
token = string.format('%.0f', math.max(tonumber(redis.call('GET', KEYS[2]) or 0) + 1, now_ms))
redis.call('SET', KEYS[2], token)
redis.call('SET', KEYS[1], token .. ' ' .. ARGV[2], 'PX', ARGV[3])
return token
