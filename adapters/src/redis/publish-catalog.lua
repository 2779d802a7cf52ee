-- Makes a catalog the current one unless a newer one is already published: two control planes may publish
-- at once, and the later write must not be the older catalog.
-- KEYS: the catalog. ARGV: version, sha256 of the body, body. Reply: 1 when taken, 2 when this very catalog is
-- there already, 0 when another one as new or newer is.

local current = tonumber(redis.call('HGET', KEYS[1], 'version') or 0) or 0
if tonumber(ARGV[1]) == current and redis.call('HGET', KEYS[1], 'sha256') == ARGV[2] then return 2 end
if tonumber(ARGV[1]) <= current then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'sha256', ARGV[2], 'body', ARGV[3])
return 1
