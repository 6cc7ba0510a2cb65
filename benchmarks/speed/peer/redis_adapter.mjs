// node-oidc-provider's adapter contract over Redis, with a client that pipelines by itself: a hash
// for what is consumed, a string for the rest, and an index by grant where it can be revoked.
const consumable = new Set(["BackchannelAuthenticationRequest", "RefreshToken"]);
const grantable = new Set([...consumable, "AccessToken"]);

export function makeRedisAdapter(Redis, options) {
  const db = new Redis({ ...options, enableAutoPipelining: true, keyPrefix: "op:" });
  return class RedisAdapter {
    constructor(model) {
      this.model = model;
    }

    key(id) {
      return `${this.model}:${id}`;
    }

    async upsert(id, payload, ttl) {
      const key = this.key(id);
      const text = JSON.stringify(payload);
      const work = [];
      if (consumable.has(this.model)) {
        work.push(db.hset(key, "p", text));
        if (ttl) {
          work.push(db.expire(key, ttl));
        }
      } else {
        work.push(ttl ? db.set(key, text, "EX", ttl) : db.set(key, text));
      }
      if (grantable.has(this.model) && payload.grantId) {
        const index = `g:${payload.grantId}`;
        work.push(db.rpush(index, key), db.expire(index, ttl || 3600));
      }
      await Promise.all(work);
    }

    async find(id) {
      const key = this.key(id);
      if (!consumable.has(this.model)) {
        const text = await db.get(key);
        return text ? JSON.parse(text) : undefined;
      }
      const [text, consumed] = await db.hmget(key, "p", "c");
      if (!text) {
        return undefined;
      }
      const payload = JSON.parse(text);
      if (consumed) {
        payload.consumed = Number(consumed);
      }
      return payload;
    }

    async consume(id) {
      await db.hset(this.key(id), "c", Math.floor(Date.now() / 1000));
    }

    async destroy(id) {
      await db.del(this.key(id));
    }

    async revokeByGrantId(grantId) {
      const index = `g:${grantId}`;
      const keys = await db.lrange(index, 0, -1);
      await Promise.all([...keys.map((key) => db.del(key)), db.del(index)]);
    }
  };
}
