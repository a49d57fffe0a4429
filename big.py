import random
big = [random.random() for n in range(1_000_000)]
s = (await fix.add(a=20, b=3))["sum"]
[s, len(big)]
