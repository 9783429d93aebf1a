"""A leaderboard of a million players: updates, increments, ranks, the top, the players around one, totals."""

import random

from common import empty

client = empty()
PLAYERS = 1_000_000
BATCH = 10_000
board = "board"


def score_of(n):
    return (n * 7919) % 1_000_003


# All players arrive in pipelines.
for start in range(0, PLAYERS, BATCH):
    pipe = client.pipeline(transaction=False)
    for first in range(start, start + BATCH, 1_000):
        pipe.zadd(board, {f"player:{n}": score_of(n) for n in range(first, first + 1_000)})
    assert pipe.execute() == [1_000] * (BATCH // 1_000)
assert client.zcard(board) == PLAYERS

ranking = sorted(range(PLAYERS), key=lambda n: (score_of(n), f"player:{n}"))
rank_of = {n: rank for rank, n in enumerate(ranking)}

# Ranks and scores of some players, in one round trip.
chosen = random.Random(1).sample(range(PLAYERS), 2_000)
pipe = client.pipeline(transaction=False)
for n in chosen:
    pipe.zrank(board, f"player:{n}").zrevrank(board, f"player:{n}").zscore(board, f"player:{n}")
replies = pipe.execute()
for at, n in enumerate(chosen):
    expected = [rank_of[n], PLAYERS - 1 - rank_of[n], float(score_of(n))]
    assert replies[3 * at : 3 * at + 3] == expected, (n, replies[3 * at : 3 * at + 3], expected)
rank, score = client.zrank(board, "player:77", withscore=True)
assert (rank, float(score)) == (rank_of[77], score_of(77))
assert client.zrank(board, "nobody") is None and client.zscore(board, "nobody") is None

# The top ten, and the players around one of them.
top = client.zrevrange(board, 0, 9, withscores=True)
assert [tuple(pair) for pair in top] == [(f"player:{n}", float(score_of(n))) for n in ranking[:-11:-1]]
assert [tuple(pair) for pair in client.zrange(board, 0, 9, desc=True, withscores=True)] == [tuple(pair) for pair in top]
middle = rank_of[4_711]
around = client.zrange(board, middle - 5, middle + 5)
assert around == [f"player:{n}" for n in ranking[middle - 5 : middle + 6]]

# A page by score, and how many are in a range.
page = client.zrangebyscore(board, 500_000, "+inf", start=20, num=10)
first = next(rank for rank, n in enumerate(ranking) if score_of(n) >= 500_000)
assert page == [f"player:{n}" for n in ranking[first + 20 : first + 30]]
assert client.zcount(board, 1_000, 1_999) == sum(1_000 <= score_of(n) <= 1_999 for n in ranking[:3_000])

# A game changes scores; ranks follow.
assert client.zincrby(board, 2_000_000, "player:5") == score_of(5) + 2_000_000
assert client.zrevrank(board, "player:5") == 0
assert client.zadd(board, {"player:5": 1.5}, lt=True, ch=True) == 1
assert client.zadd(board, {"player:5": 9}, nx=True) == 0
assert client.zadd(board, {"player:5": 2.25}, xx=True, incr=True) == 3.75
assert client.zmscore(board, ["player:5", "nobody", "player:6"]) == [3.75, None, float(score_of(6))]

# The season's total of two boards, and whoever plays on both.
client.zadd("{season}1", {f"p{n}": n for n in range(1_000)})
client.zadd("{season}2", {f"p{n}": 1 for n in range(500, 1_500)})
assert client.zunionstore("{season}all", {"{season}1": 1, "{season}2": 10}) == 1_500
assert client.zscore("{season}all", "p750") == 760
assert client.zinterstore("{season}both", ["{season}1", "{season}2"], aggregate="MAX") == 500
assert client.zintercard(2, ["{season}1", "{season}2"]) == 500
assert client.zdiff(["{season}1", "{season}both"]) == [f"p{n}" for n in range(500)]

# The lowest leave.
assert client.zremrangebyrank(board, 0, 9_999) == 10_000
popped = client.zpopmin(board, 2)
assert len(popped) == 2 and client.zcard(board) == PLAYERS - 10_002
seen = {member for member, _ in client.zscan_iter("{season}all", count=100)}
assert len(seen) == 1_500
