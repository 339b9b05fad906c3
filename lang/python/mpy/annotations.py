"""Array types for annotations, `x: f64['n d']` and `x: Float64[Array, 'n d']`; no checks here."""


class ArrayType:
    def __init__(self, name, extents=None):
        self.name, self.extents = name, extents

    def __getitem__(self, extents):
        return ArrayType(self.name, extents)

    def __repr__(self):
        return self.name if self.extents is None else "%s[%r]" % (self.name, self.extents)


class Array:
    """The first part of `Float64[Array, 'n d']`."""


f64, f32, i64, i32 = (ArrayType(name) for name in ("f64", "f32", "i64", "i32"))
Float64, Float32, Int64, Int32, Bool = (
    ArrayType(name) for name in ("Float64", "Float32", "Int64", "Int32", "Bool")
)
b1 = ArrayType("b1")


def export(function=None, **options):
    """Marks a function for the C interface of the compiled program; here it is the function."""
    return function if function is not None else lambda f: f
