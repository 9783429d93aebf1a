"""Places around a position: what is near, how far, and what a grid of them gives back."""

import math
import random

from common import empty

client = empty()
EARTH_M = 6_372_797.560856

client.geoadd("sicily", (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"))
assert abs(client.geodist("sicily", "Palermo", "Catania", unit="km") - 166.2742) < 1e-9
assert client.geohash("sicily", "Palermo", "Catania") == ["sqc8b49rny0", "sqdtr74hyu0"]
longitude, latitude = client.geopos("sicily", "Palermo")[0]
assert abs(longitude - 13.361389) < 1e-5 and abs(latitude - 38.115556) < 1e-5
assert client.geosearch("sicily", longitude=15, latitude=37, radius=200, unit="km", sort="ASC") == ["Catania", "Palermo"]
found = client.geosearch("sicily", longitude=15, latitude=37, width=400, height=400, unit="km", withdist=True, sort="DESC")
assert [name for name, _ in found] == ["Palermo", "Catania"] and abs(found[1][1] - 56.4413) < 1e-9

# Ten thousand shops; every search gives just what lies in the circle.
rng = random.Random(3)
shops = {f"shop:{n}": (rng.uniform(-10, 30), rng.uniform(35, 60)) for n in range(10_000)}
pipe = client.pipeline(transaction=False)
for name, (longitude, latitude) in shops.items():
    pipe.geoadd("shops", (longitude, latitude, name))
assert pipe.execute() == [1] * len(shops)


def distance_m(one, other):
    (lon1, lat1), (lon2, lat2) = [(math.radians(a), math.radians(b)) for a, b in (one, other)]
    a = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_M * math.asin(math.sqrt(a))


for _ in range(50):
    here = (rng.uniform(-5, 25), rng.uniform(38, 57))
    radius_m = rng.choice([1_000, 20_000, 150_000, 600_000])
    found = client.geosearch("shops", longitude=here[0], latitude=here[1], radius=radius_m, unit="m", sort="ASC")
    distances = {name: distance_m(here, position) for name, position in shops.items()}
    # Positions are kept to less than a metre.
    surely = {name for name, far in distances.items() if far < radius_m - 1}
    maybe = {name for name, far in distances.items() if far < radius_m + 1}
    assert surely <= set(found) <= maybe
    assert all(distances[a] < distances[b] + 2 for a, b in zip(found, found[1:])), "the nearest come first"
    nearest = client.geosearch("shops", longitude=here[0], latitude=here[1], radius=radius_m, unit="m", count=3)
    assert nearest == found[:3]

# A search is stored, by distance.
count = client.geosearchstore("near", "shops", longitude=10, latitude=50, radius=300, unit="km", storedist=True)
assert count == client.zcard("near") > 0
assert client.zrange("near", 0, 0) == client.geosearch("shops", longitude=10, latitude=50, radius=300, unit="km", count=1)
