"""A cache within the client: redis-py keeps what it has read, and the server tells it what to forget."""

import redis
from redis.cache import CacheConfig

from common import PORT, empty, eventually

# Invalidations come as push messages, so it speaks RESP3 whatever the others do.
cached = redis.Redis(
    host="127.0.0.1", port=PORT, protocol=3, decode_responses=True, socket_timeout=20, cache_config=CacheConfig()
)
writer = empty()


def gets():
    """GETs that reached the server."""
    return int(writer.info("commandstats").get("cmdstat_get", {"calls": 0})["calls"])


writer.mset({f"product:{number}": number for number in range(100)})
writer.hset("settings", mapping={"theme": "dark", "page": 20})
assert [cached.get(f"product:{number}") for number in range(100)] == [str(number) for number in range(100)]
before = gets()
for _ in range(10):
    assert [cached.get(f"product:{number}") for number in range(100)] == [str(number) for number in range(100)]
assert gets() == before, "a cached value was asked for again"

# A change is seen, and only what changed is asked for.
writer.set("product:7", "new")
eventually(lambda: cached.get("product:7") == "new")
assert [cached.get(f"product:{number}") for number in range(8, 100)] == [str(number) for number in range(8, 100)]
assert gets() == before + 1

# So are changes of collections, expiry, renames, and the end of all keys.
assert cached.hgetall("settings") == {"theme": "dark", "page": "20"}
writer.hset("settings", "theme", "light")
eventually(lambda: cached.hgetall("settings")["theme"] == "light")
writer.pexpire("product:1", 1)
eventually(lambda: cached.get("product:1") is None)
writer.rename("product:2", "product:1")
eventually(lambda: (cached.get("product:1"), cached.get("product:2")) == ("2", None))
with writer.pipeline() as transaction:
    transaction.incrby("product:3", 10).incrby("product:4", 10).execute()
eventually(lambda: (cached.get("product:3"), cached.get("product:4")) == ("13", "14"))
writer.flushall()
eventually(lambda: cached.get("product:50") is None and cached.hgetall("settings") == {})
assert writer.info("clients")["tracking_clients"] >= 1
cached.close()
eventually(lambda: writer.info("clients")["tracking_clients"] == 0)
