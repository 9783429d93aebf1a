"""Cache-aside: read the cache, on a miss load and store with a TTL, invalidate on a write."""

from common import connect, empty, eventually

cache = empty()
database = {f"user:{n}": f"name {n}" for n in range(100)}
loads = 0


def load(key, ttl_ms=60_000):
    global loads
    value = cache.get(key)
    if value is None:
        loads += 1
        value = database[key]
        assert cache.set(key, value, px=ttl_ms)
    return value


for _ in range(3):
    for key in database:
        assert load(key) == database[key]
assert loads == len(database), "each key is loaded once"
assert 0 < cache.pttl("user:1") <= 60_000

# A write invalidates; the next read loads the new value.
database["user:1"] = "renamed"
assert cache.delete("user:1", "not cached") == 1
assert load("user:1") == "renamed"
assert loads == len(database) + 1

# What has expired is loaded again.
load_count = loads
cache.set("user:2", "stale", px=1)
eventually(lambda: cache.get("user:2") is None)
assert load("user:2") == "name 2"
assert loads == load_count + 1

# A batch in one round trip; a missing key is None in its place.
assert cache.mget("user:3", "missing", "user:4") == ["name 3", None, "name 4"]

# Binary values come back as they went in.
raw = bytes(range(256)) * 1000
cache.set("blob", raw, ex=60)
assert cache.strlen("blob") == len(raw)
binary = connect(decode_responses=False)
assert binary.get("blob") == raw

# UNLINK and TTL changes.
assert cache.expire("user:3", 1000) and cache.ttl("user:3") > 900
assert cache.persist("user:3") and cache.ttl("user:3") == -1
assert cache.unlink("user:3", "user:4") == 2
assert cache.ttl("user:3") == -2
