"""Sessions with a sliding expiry: SETEX at login, GETEX at each request, DEL at logout."""

import json
import secrets

from common import empty, eventually

store = empty()
TTL_S = 1800


def login(user):
    token = secrets.token_urlsafe(24)
    assert store.setex(f"session:{token}", TTL_S, json.dumps({"user": user, "cart": []}))
    return token


def request(token):
    """Every request prolongs the session; an unknown or expired token is None."""
    text = store.getex(f"session:{token}", ex=TTL_S)
    return None if text is None else json.loads(text)


tokens = {user: login(user) for user in (f"user{n}" for n in range(50))}
for user, token in tokens.items():
    assert request(token)["user"] == user
assert request("forged") is None

# A request gives a session that was about to end its full time back.
token = tokens["user0"]
assert store.expire(f"session:{token}", 100)
assert store.ttl(f"session:{token}") <= 100
assert request(token)
assert store.ttl(f"session:{token}") > TTL_S - 60

# Changing the session keeps its deadline.
session = request(token)
session["cart"].append("book")
assert store.set(f"session:{token}", json.dumps(session), keepttl=True)
assert store.ttl(f"session:{token}") > TTL_S - 60
assert request(token)["cart"] == ["book"]

# Logout.
assert store.delete(f"session:{token}") == 1
assert request(token) is None

# A session nobody uses ends by itself, and is gone for SCAN as well.
idle = tokens["user1"]
store.psetex(f"session:{idle}", 1, "{}")
eventually(lambda: not store.exists(f"session:{idle}"))
assert request(idle) is None
assert len(set(store.scan_iter("session:*", count=10))) == len(tokens) - 2
