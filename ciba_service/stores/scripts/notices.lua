-- What happened to a user's phones lately, by time (stores/phones/notices.py); MOST_NOTICES and
-- NOTICE_LIFETIME_MS are put before this text.

-- The notice is its own operation: kept again, it stays where it was.
local function keep_notice(notices, notice, now)
  redis.call('ZADD', notices, 'NX', now, notice)
  redis.call('ZREMRANGEBYRANK', notices, 0, -MOST_NOTICES - 1)
  redis.call('PEXPIRE', notices, NOTICE_LIFETIME_MS)
end

-- One that only a script can write, since it alone reads the name of the phone.
local function keep_notice_of(notices, kind, device_id, name, now)
  keep_notice(notices, cjson.encode({kind, device_id, name}), now)
end

