"""Which states of a loop are kept: the schedule of the runtime against the best one, found by trying all."""
import functools
import math
import sys

from text_checks import Comparison


def check(runtime):
    same = Comparison()

    @functools.cache
    def distance(steps, count):
        return runtime.call("mpy_snapshot_distance", steps, count)

    @functools.cache
    def runs(steps, count):
        """How many steps run again where the runtime chooses, to reverse so many from a state that is kept."""
        if steps == 1:
            return 0
        first = distance(steps, count)
        assert 0 < first < steps
        if count == 1:
            return first + runs(steps - 1, 1)
        return first + runs(steps - first, count - 1) + runs(first, count)

    @functools.cache
    def fewest(steps, count):
        if steps == 1:
            return 0
        if count == 1:
            return steps * (steps - 1) // 2
        return min(first + fewest(steps - first, count - 1) + fewest(first, count) for first in range(1, steps))

    sys.setrecursionlimit(10000)
    for count in range(1, 10):
        for steps in range(1, 100):
            same(f"{steps} steps with {count} states", runs(steps, count), fewest(steps, count))
    # More than can be tried: r n - C(c + r, r - 1), where r is the least with C(c + r, c) >= n.
    for steps, count in [(5000, 3), (20000, 20), (100000, 200)]:
        most = next(r for r in range(steps) if math.comb(count + r, count) >= steps)
        same(f"{steps} steps with {count} states", runs(steps, count), most * steps - math.comb(count + most, most - 1))
    for bytes, state, count in [(40, 40, 1), (84, 40, 1), (100, 40, 2), (3200, 100, 30), (8, 0, 8)]:
        same(f"states of {state} bytes in {bytes}", runtime.call("mpy_snapshot_count", bytes, state, placed=True), count)
    return same
