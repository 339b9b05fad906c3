"""Whole programs against the archive: start, end, size, output, errors, the memory report."""
import os
import subprocess
import time

from text_checks import Comparison

INCLUDE = os.path.join(os.path.dirname(__file__), "..", "..", "runtime", "include")

HELLO = '{ mpy_text *t = mpy_string_from("hello\\n", 6); mpy_write(1, t); mpy_release(t); }'

PROGRAMS = {
    "hello": (HELLO, 0, "hello\n", ""),
    "error": (HELLO + 'mpy_raise_message("prog.mpy", 12, "ValueError", "bad");', 1, "hello\n",
              "prog.mpy:12: ValueError: bad\n"),
    "bare": ('mpy_raise_message("prog.mpy", 3, "AssertionError", "");', 1, "", "prog.mpy:3: AssertionError\n"),
    "format": ('int64_t v[] = {5, 0, 3}; mpy_raise_format("p.mpy", 1, "IndexError", "index {} is out of bounds '
               'for axis {} with size {}", 3, v);', 1, "",
               "p.mpy:1: IndexError: index 5 is out of bounds for axis 0 with size 3\n"),
    "broadcast": ('int64_t a[] = {3}, b[] = {2, 4}; mpy_raise_broadcast("p.mpy", 1, 1, a, 2, b);', 1, "",
                  "p.mpy:1: ValueError: operands could not be broadcast together with shapes (3,) (2,4) \n"),
    "matmul": ('int64_t a[] = {2, 3}, b[] = {4, 5}; mpy_raise_matmul("p.mpy", 1, 2, a, 2, b);', 1, "",
               "p.mpy:1: ValueError: matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc "
               "signature (n?,k),(k,m?)->(n?,m?) (size 4 is different from 3)\n"),
    "batch": ('int64_t a[] = {2, 2, 3}, b[] = {3, 3, 2}; mpy_raise_matmul("p.mpy", 1, 3, a, 3, b);', 1, "",
              "p.mpy:1: ValueError: operands could not be broadcast together with remapped shapes "
              "[original->remapped]: (2,2,3)->(2,newaxis,newaxis) (3,3,2)->(3,newaxis,newaxis)  and requested shape (2,2)\n"),
    "dot": ('int64_t a[] = {2, 3}, b[] = {4, 5}; mpy_raise_dot("p.mpy", 1, 2, a, 2, b);', 1, "",
            "p.mpy:1: ValueError: shapes (2,3) and (4,5) not aligned: 3 (dim 1) != 4 (dim 0)\n"),
    "reshape": ('int64_t a[] = {3, -1}; mpy_raise_reshape("p.mpy", 1, 4, 2, a);', 1, "",
                "p.mpy:1: ValueError: cannot reshape array of size 4 into shape (3,newaxis)\n"),
    "memory": ('mpy_alloc_at("p.mpy", 4, (int64_t)8 << 50);', 1, "", "p.mpy:4: MemoryError: Unable to allocate 8.00 PiB\n"),
    "array": ('int64_t s[] = {1000000000000000}; mpy_alloc_array("p.mpy", 4, 4, 1, s);', 1, "",
              "p.mpy:4: MemoryError: Unable to allocate 7.11 PiB for an array with shape (1000000000000000,) and data "
              "type float64\n"),
    "negative": ('int64_t s[] = {2, -1}; mpy_alloc_array("p.mpy", 4, 4, 2, s);', 1, "",
                 "p.mpy:4: ValueError: negative dimensions are not allowed\n"),
    "exit": (HELLO + "mpy_exit(7);", 7, "hello\n", ""),
    "recursion": ("recurse(0);", 1, "", "p.mpy:9: RecursionError: maximum recursion depth exceeded\n"),
    "overflow": ("(void)sink(0);", 1, "", "prog.mpy: RecursionError: maximum recursion depth exceeded\n"),
    "order": (HELLO + 'mpy_write_bytes(2, "err\\n", 4);' + HELLO, 0, "hello\nhello\n", "err\n"),
}

REPORTS = {
    # A loop that allocates the same sizes reuses one buffer of each.
    "loop": "for (int i = 0; i < 1000; ++i) { void *p = mpy_alloc(4 << 20); mpy_release(p); }",
    "leak": "mpy_alloc(100);",
    "list": "void **l = (void **)mpy_alloc_zero(80); ((void (**)(void *))l)[-6] = mpy_drop_pointers;"
            "for (int i = 0; i < 10; ++i) l[i] = mpy_alloc(10); mpy_release(l);",
}
EXPECTED = {"loop": (1000, 1000, 0), "leak": (1, 0, 1), "list": (11, 11, 0)}

TEMPLATE = """#include "mpyrt.h"
static __attribute__((noinline)) int recurse(int depth) {{
  volatile char frame[200]; frame[0] = (char)depth; mpy_check_stack("p.mpy", 9); return recurse(depth + 1) + frame[0]; }}
static __attribute__((noinline)) int sink(int depth) {{
  volatile char frame[200]; frame[0] = (char)depth; return sink(depth + 1) + frame[0]; }}
int main(int argc, char **argv) {{ (void)recurse; (void)sink; mpy_begin(argc, argv, "prog.mpy"); {body} mpy_end(); return 0; }}
"""


def build(folder, name, body, library, compiler):
    source, program = os.path.join(folder, name + ".c"), os.path.join(folder, name)
    with open(source, "w") as file:
        file.write(TEMPLATE.format(body=body))
    subprocess.run([compiler.replace("clang++", "clang").replace("g++", "gcc"), "-O1", "-I", INCLUDE, source, library,
                    "-Wl,--gc-sections", "-s", "-ldl", "-lm", "-o", program], check=True)
    return program


def check(library, compiler, folder):
    same = Comparison()
    for name, (body, code, output, error) in PROGRAMS.items():
        program = build(folder, name, body, library, compiler)
        run = subprocess.run([program], capture_output=True, text=True)
        same(name, (run.returncode, run.stdout, run.stderr), (code, output, error))
    for name, body in REPORTS.items():
        program = build(folder, "report_" + name, body, library, compiler)
        run = subprocess.run([program], capture_output=True, text=True, env={**os.environ, "MPY_MEMORY_REPORT": "1"})
        words = run.stderr.split()
        same("report " + name, (int(words[1]), int(words[3]), int(words[8])), EXPECTED[name])
    hello = os.path.join(folder, "hello")
    same("size of hello below 2 MB", os.path.getsize(hello) < 2_000_000, True)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        subprocess.run([hello], stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    print(f"hello: {os.path.getsize(hello)} bytes, {min(times) * 1e3:.2f} ms with the start of the process")
    check_failing_output(same, hello)
    check_kernels(same, library, compiler, folder)
    return same


def check_kernels(same, library, compiler, folder):
    program = os.path.join(folder, "kernels")
    source = os.path.join(os.path.dirname(__file__), "kernels.cpp")
    subprocess.run([compiler, "-std=c++20", "-O1", "-I", os.path.dirname(INCLUDE), source, library, "-ldl", "-lm",
                    "-o", program], check=True)
    run = subprocess.run([program], capture_output=True, text=True)
    same("matrix kernels", run.returncode, 0)
    print("matrix kernels: " + ", ".join(run.stdout.split("\n")[:-1]))


def check_failing_output(same, hello):
    with open("/dev/full", "w") as full:
        run = subprocess.run([hello], stdout=full, stderr=subprocess.PIPE, text=True)
    same("full disk", (run.returncode, run.stderr), (1, "prog.mpy: OSError: [Errno 28] No space left on device\n"))
    reader, writer = os.pipe()
    os.close(reader)
    run = subprocess.run([hello], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    same("closed pipe", (run.returncode, run.stderr), (1, "prog.mpy: BrokenPipeError: [Errno 32] Broken pipe\n"))
