"""A session and its cart in one hash: each part lives as long as it should, by deadlines of fields."""

from common import empty, eventually
from redis.commands.core import HashDataPersistOptions

store = empty()
CART = "session:ann"

# Login: the session's own fields stay, what is in the cart is held for a while.
assert store.hset(CART, mapping={"user": "ann", "visits": 1}) == 2
assert store.hsetex(CART, mapping={"item:book": 1, "item:pen": 3}, ex=900) == 1
assert store.httl(CART, "user", "item:book")[0] == -1
assert 800 < store.httl(CART, "item:book")[0] <= 900

# Looking at an item holds it longer; changing the amount leaves the time as it is.
assert store.hgetex(CART, "item:book", "item:lamp", ex=1800) == ["1", None]
assert 1700 < store.httl(CART, "item:book")[0] <= 1800
assert store.hincrby(CART, "item:book", 1) == 2
assert 1700 < store.httl(CART, "item:book")[0] <= 1800
assert store.hsetex(CART, "item:pen", 4, keepttl=True) == 1
assert 800 < store.httl(CART, "item:pen")[0] <= 900

# An item is put in once, and a coupon only while there is none.
assert store.hsetex(CART, "coupon", "SPRING", px=60_000, data_persist_option=HashDataPersistOptions.FNX) == 1
assert store.hsetex(CART, "coupon", "AUTUMN", px=60_000, data_persist_option=HashDataPersistOptions.FNX) == 0
assert store.hget(CART, "coupon") == "SPRING"

# What is not bought in time goes, by itself, and nothing else does.
assert store.hpexpire(CART, 1, "item:pen", "coupon") == [1, 1]
eventually(lambda: store.hlen(CART) == 3)
assert store.hmget(CART, "item:pen", "item:book", "coupon") == [None, "2", None]
assert sorted(store.hgetall(CART)) == ["item:book", "user", "visits"]

# Buying takes the item out, once.
assert store.hgetdel(CART, "item:book") == ["2"]
assert store.hgetdel(CART, "item:book") == [None]

# A session all of whose fields have ended is no key any more.
assert store.hpexpire(CART, 1, "user", "visits") == [1, 1]
eventually(lambda: not store.exists(CART))

# A thousand carts end at the same time, and do so while others are used.
with store.pipeline(transaction=False) as pipe:
    for number in range(1_000):
        pipe.hset(f"cart:{number}", mapping={f"item:{n}": n for n in range(10)})
        pipe.hpexpire(f"cart:{number}", 20, *[f"item:{n}" for n in range(9)])
    pipe.execute()
eventually(lambda: all(store.hlen(f"cart:{number}") == 1 for number in range(0, 1_000, 50)))
assert store.hgetall("cart:999") == {"item:9": "9"}
