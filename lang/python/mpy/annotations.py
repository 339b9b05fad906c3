"""Array types for annotations, `x: f64['n d']` and `x: Float64[Array, 'n d']`; no checks here."""

__all__ = """Array export f64 f32 i64 i32 i16 i8 u64 u32 u16 u8 b1
Float64 Float32 Int64 Int32 Int16 Int8 UInt64 UInt32 UInt16 UInt8 Bool""".split()


class ArrayType:
    def __init__(self, name, extents=None):
        self.name, self.extents = name, extents

    def __getitem__(self, extents):
        return ArrayType(self.name, extents)

    def __repr__(self):
        return self.name if self.extents is None else "%s[%r]" % (self.name, self.extents)


class Array:
    """The first part of `Float64[Array, 'n d']`."""


f64, f32, i64, i32, i16, i8, u64, u32, u16, u8, b1 = map(
    ArrayType, "f64 f32 i64 i32 i16 i8 u64 u32 u16 u8 b1".split()
)
Float64, Float32, Int64, Int32, Int16, Int8, UInt64, UInt32, UInt16, UInt8, Bool = map(
    ArrayType, "Float64 Float32 Int64 Int32 Int16 Int8 UInt64 UInt32 UInt16 UInt8 Bool".split()
)


def export(function=None, **options):
    """Marks a function for the C interface of the compiled program; here it is the function."""
    return function if function is not None else lambda f: f
