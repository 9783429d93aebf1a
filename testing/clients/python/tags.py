"""Articles under tags: sets, what they have in common, draws from them, and SORT over what hangs on them."""

from common import empty

store = empty()

# Each article is in the set of each of its tags; the index of all tags comes along.
ARTICLES = {1: ("rust", "db"), 2: ("rust", "web"), 3: ("db",), 4: ("rust", "db", "web"), 5: ("web",)}
for article, tags in ARTICLES.items():
    store.hset(f"article:{article}", mapping={"title": f"Title {article}", "views": article * 7 % 5})
    for tag in tags:
        assert store.sadd(f"tag:{tag}", article) == 1
assert store.sadd("tag:rust", 1) == 0
assert store.scard("tag:rust") == 3
assert store.smembers("tag:db") == {"1", "3", "4"}
assert store.smismember("tag:web", [1, 2, 5]) == [0, 1, 1]

# Under both tags, under either, under one and not the other.
assert store.sinter("tag:rust", "tag:db") == {"1", "4"}
assert store.sunion("tag:rust", "tag:db", "tag:none") == {"1", "2", "3", "4"}
assert store.sdiff("tag:rust", "tag:web") == {"1"}
assert store.sintercard(2, ["tag:rust", "tag:db"], limit=1) == 1
assert store.sinterstore("found", ["tag:rust", "tag:db", "tag:web"]) == 1
assert store.smembers("found") == {"4"}

# The most read first, with their titles; stored as a page.
most_read = store.sort("tag:rust", by="article:*->views", get=["#", "article:*->title"], desc=True, groups=True)
assert most_read == [("2", "Title 2"), ("4", "Title 4"), ("1", "Title 1")]
assert store.sort("tag:db", by="article:*->views", get="article:*->title", start=0, num=2, store="page") == 2
assert store.lrange("page", 0, -1) == ["Title 3", "Title 1"]

# An article gets another tag instead; the last one takes its tag along.
assert store.smove("tag:db", "tag:storage", 3)
assert not store.smove("tag:db", "tag:storage", 3)
assert store.srem("tag:storage", 3) == 1
assert not store.exists("tag:storage")

# A raffle among many: each wins once, and all have been drawn in the end.
with store.pipeline(transaction=False) as pipe:
    for number in range(5_000):
        pipe.sadd("raffle", f"ticket:{number:05}")
    pipe.execute()
sample = store.srandmember("raffle", 100)
assert len(set(sample)) == 100 and store.scard("raffle") == 5_000
assert len(store.srandmember("raffle", -100)) == 100
drawn = set()
while winners := store.spop("raffle", 700):
    assert drawn.isdisjoint(winners)
    drawn.update(winners)
assert len(drawn) == 5_000 and not store.exists("raffle")

# Scans give each member, while the set goes from small to large.
store.sadd("numbers", *range(10_000))
assert {int(member) for member in store.sscan_iter("numbers", count=500)} == set(range(10_000))
assert sorted(store.sscan_iter("numbers", match="999?")) == [f"999{digit}" for digit in range(10)]
