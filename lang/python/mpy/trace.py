"""Which derivative traces are running, and how a traced value is told from a plain one.

A traced value is one of autograd's boxes. autograd numbers its traces by depth; here each gets a
number that is never used again, so a box that outlives its trace (an object kept it) is known to be
over: `settled` takes it off, and what objects keep after `grad` returns are plain values.
"""

import itertools

from autograd.tracer import isbox

live = set()
_numbers = itertools.count(1)
_kept = {}


def start():
    number = next(_numbers)
    live.add(number)
    _kept[number] = []
    return number


def keep(reference):
    """Remembers a traced scalar, so that its box goes when the innermost trace ends."""
    if live:
        _kept[max(live)].append(reference)


def stop(number):
    live.discard(number)
    for reference in _kept.pop(number):
        scalar = reference()
        if scalar is not None:
            scalar.settle()
            if live:
                keep(reference)


def settled(value):
    """The value without the boxes of traces that are over."""
    while isbox(value) and value._trace not in live:
        value = value._value
    return value


def bare(value):
    """The number or array under all boxes."""
    while isbox(value):
        value = value._value
    return value
