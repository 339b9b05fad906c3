"""What library files reach of the compiler, for CPython: the module `mpy._primitives`."""


def hash_of(key):
    return hash(key) & 0x3FFFFFFFFFFFFFFF


def in_any_order(iterable):
    return list(iterable)


def is_dict(value):
    return isinstance(value, dict)


def is_set(value):
    return isinstance(value, set)
