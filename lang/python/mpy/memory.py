"""The derivative side of array memory: which pieces of memory hold traced values.

The numbers of an array always live in real NumPy memory, so that views, aliases, overlaps and
printing are NumPy's own. Where a traced value is written, the memory's owner (the array at the end
of the `.base` chain) gets an entry with one box for the whole of it. Every view, however it was
made, finds that box through its owner and reads or replaces the elements at its own addresses.
"""

import weakref

import numpy
from numpy.lib.stride_tricks import as_strided

import autograd.numpy as anp

from . import rules
from .trace import isbox, settled

_entries = {}


class Entry:
    __slots__ = ("reference", "box")

    def __init__(self, owner, box):
        key = id(owner)
        self.reference = weakref.ref(owner, lambda _: _entries.pop(key, None))
        self.box = box


def plain(array):
    """The same memory as an ordinary NumPy array."""
    return array.view(numpy.ndarray)


def owner_of(array):
    base = array.base
    while isinstance(base, numpy.ndarray):
        array = base
        base = array.base
    return array


def entry_of(owner):
    entry = _entries.get(id(owner))
    if entry is None:
        return None
    entry.box = settled(entry.box)
    if not isbox(entry.box):
        del _entries[id(owner)]
        return None
    return entry


def is_traced(array):
    return bool(_entries) and entry_of(owner_of(array)) is not None


def settle_all():
    """Takes the boxes of finished traces off all memory."""
    for entry in list(_entries.values()):
        owner = entry.reference()
        if owner is not None:
            entry_of(owner)


def address(array):
    return array.__array_interface__["data"][0]


def same_layout(array, owner):
    return (
        array.shape == owner.shape
        and array.strides == owner.strides
        and address(array) == address(owner)
    )


def numbers_of(array, owner):
    """For each element of the view, its number in the owner's elements in C order."""
    item = owner.itemsize
    size = owner.size
    if array.size == 0:
        return numpy.zeros(array.shape, numpy.intp)
    cells = numpy.arange(size)
    if not owner.flags.c_contiguous:
        laid = as_strided(cells, owner.shape, [8 * (s // item) for s in owner.strides])
        laid[...] = numpy.arange(size).reshape(owner.shape)
    offset = (address(array) - address(owner)) // item
    strides = [8 * (s // item) for s in array.strides]
    return numpy.array(as_strided(cells[offset:], array.shape, strides))


def box_of(array):
    """The traced value of an array, or None where it holds plain numbers."""
    if not _entries:
        return None
    owner = owner_of(array)
    entry = entry_of(owner)
    if entry is None:
        return None
    if same_layout(array, owner):
        return entry.box
    if owner.flags.c_contiguous and array.flags.c_contiguous and array.size == owner.size:
        return anp.reshape(entry.box, array.shape)
    return rules.take(entry.box, numbers_of(array, owner))


def constant(array):
    """A copy that later writes do not reach, for rules that read it in the backward sweep."""
    return numpy.array(array, subok=False, order="K")


def store(array, box):
    """Makes `box` the traced value of an array whose numbers have been written already."""
    if not numpy.issubdtype(array.dtype, numpy.inexact):
        return
    owner = owner_of(array)
    if same_layout(array, owner):
        box = rules.shaped(box, array.shape, array.dtype)
        if isbox(box):
            _entries[id(owner)] = Entry(owner, box)
        else:
            _entries.pop(id(owner), None)
    else:
        store_at(owner, numbers_of(array, owner), box)


def store_at(owner, numbers, value):
    """Replaces numbered elements of the owner's traced value; the last of equal numbers stays."""
    if not numpy.issubdtype(owner.dtype, numpy.inexact):
        return
    entry = entry_of(owner)
    if entry is None and not isbox(value):
        return
    if not isbox(value):
        value = numpy.asarray(value)
    if anp.ndim(value) > numpy.ndim(numbers):
        value = anp.reshape(value, anp.shape(value)[anp.ndim(value) - numpy.ndim(numbers) :])
    flat = numpy.ravel(numbers)
    last = numpy.full(owner.size, -1)
    last[flat] = numpy.arange(flat.size)
    winners = last[flat] == numpy.arange(flat.size)
    if not winners.all():
        value = anp.ravel(rules.shaped(value, numpy.shape(numbers), owner.dtype))[winners]
        numbers = flat[winners]
    base = entry.box if entry is not None else constant(owner)
    _entries[id(owner)] = Entry(owner, rules.put(base, numbers, value))
