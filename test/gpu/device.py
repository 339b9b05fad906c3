"""The CUDA driver API by ctypes, for tests that launch kernels through the stand-in.

    driver = Driver("build/release/standin/libcuda.so.1")
    module = driver.load(ptx)
    a = driver.array(numpy.ones(10))
    module.launch("kernel", (1, 1, 1), (32, 1, 1), a, numpy.int64(10))
    print(a.read())
"""

import ctypes
import struct

import numpy


class DriverError(Exception):
    def __init__(self, call, code, name):
        super().__init__("%s: %s" % (call, name))
        self.code = code
        self.name = name


class Array:
    """A buffer of the device with the type of an array."""

    def __init__(self, driver, shape, kind):
        self.driver, self.shape, self.kind = driver, shape, numpy.dtype(kind)
        self.bytes = int(numpy.prod(shape)) * self.kind.itemsize
        self.address = ctypes.c_uint64()
        driver.call("cuMemAlloc_v2", ctypes.byref(self.address), ctypes.c_size_t(max(self.bytes, 1)))

    def write(self, values):
        values = numpy.ascontiguousarray(values, self.kind)
        self.driver.call("cuMemcpyHtoD_v2", self.address, values.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(self.bytes))
        return self

    def read(self):
        values = numpy.empty(self.shape, self.kind)
        self.driver.call("cuMemcpyDtoH_v2", values.ctypes.data_as(ctypes.c_void_p), self.address, ctypes.c_size_t(self.bytes))
        return values

    def free(self):
        self.driver.call("cuMemFree_v2", self.address)


class Module:
    def __init__(self, driver, handle):
        self.driver, self.handle = driver, handle

    def launch(self, name, grid, block, *arguments, shared=0):
        """Parameters go in one buffer, whose size the stand-in compares with the kernel's."""
        function = ctypes.c_void_p()
        self.driver.call("cuModuleGetFunction", ctypes.byref(function), self.handle, name.encode())
        packed = b""
        for argument in arguments:
            value = struct.pack("Q", argument.address.value) if isinstance(argument, Array) else argument.tobytes()
            packed += bytes(-len(packed) % len(value)) + value
        buffer = ctypes.create_string_buffer(packed, len(packed))
        size = ctypes.c_size_t(len(packed))
        extra = (ctypes.c_void_p * 5)(1, ctypes.addressof(buffer), 2, ctypes.addressof(size), 0)
        numbers = [ctypes.c_uint(n) for n in (*grid, *block, shared)]
        self.driver.call("cuLaunchKernel", function, *numbers, None, None, extra)
        self.driver.call("cuCtxSynchronize")


class Driver:
    def __init__(self, path):
        self.library = ctypes.CDLL(str(path))
        self.call("cuInit", 0)
        context = ctypes.c_void_p()
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), 0)
        self.call("cuCtxSetCurrent", context)

    def call(self, name, *arguments):
        code = getattr(self.library, name)(*arguments)
        if code:
            text = ctypes.c_char_p()
            self.library.cuGetErrorName(code, ctypes.byref(text))
            raise DriverError(name, code, text.value.decode() if text.value else str(code))

    def load(self, text):
        handle = ctypes.c_void_p()
        self.call("cuModuleLoadData", ctypes.byref(handle), text.encode())
        return Module(self, handle)

    def array(self, values):
        values = numpy.asarray(values)
        return Array(self, values.shape, values.dtype).write(values)

    def empty(self, shape, kind):
        return Array(self, shape if isinstance(shape, tuple) else (shape,), kind)
