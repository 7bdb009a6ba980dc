# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""lit's view of test/: which files are tests, what they may call, what the machine can do.

REQUIRES may name every CPU flag of the kernel's list (avx2, avx512f, avx512_vnni, …; also without underscores: avx512vnni),
`cuda` where a device opens, `release` where asserts and debug messages are compiled out (with sanitizers they are not),
`sanitized` with sanitizers, `qonnx` and `tosa-tools` where python/requirements-interchange.txt is installed. %python is the
build's own Python with its packages.
"""
import ctypes
import os
import shutil
import subprocess

import lit.formats

config.name = "N2UQ"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "Models", "Unit", "lint", "CMakeLists.txt"]
config.test_source_root = os.path.join(config.n2uq_source_dir, "test")
config.test_exec_root = os.path.join(config.n2uq_build_dir, "test")

tools_dir = os.path.join(config.n2uq_build_dir, "bin")
config.environment["PATH"] = os.pathsep.join([tools_dir, config.llvm_tools_dir, os.environ.get("PATH", "/usr/bin:/bin")])
for name in ("HOME", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "CCACHE_DIR", "CUDA_VISIBLE_DEVICES"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
if config.sanitized:
    # LLVM's bump allocator, half of it inlined in our objects, poisons memory that LLVM's own libraries then hand out;
    # and a thread that lib/ModelFile/Guard.cpp gave up keeps a signal stack that is not the sanitizer's to unmap.
    config.environment.setdefault("ASAN_OPTIONS", "allow_user_poisoning=0:use_sigaltstack=0")
config.environment["PYTHONPATH"] = os.path.join(config.n2uq_source_dir, "python")
config.environment["N2UQ_BIN_DIR"] = tools_dir
config.environment["PYTHONDONTWRITEBYTECODE"] = "1"

venv_python = os.path.join(config.n2uq_build_dir, "venv", "bin", "python")
python = venv_python if os.access(venv_python, os.X_OK) else "/usr/bin/python3"
config.substitutions.append(("%python", python))
config.substitutions.append(("%models", os.path.join(config.test_source_root, "Models")))
config.substitutions.append(("%source_root", config.n2uq_source_dir))
config.substitutions.append(("%build_root", config.n2uq_build_dir))
# For tests that compile C against a model or the runtime.
config.substitutions.append(("%cc", os.path.join(config.llvm_tools_dir, "clang")))


def cpu_flags():
    """The flags of this machine's first processor, as the kernel spells them."""
    try:
        with open("/proc/cpuinfo") as info:
            for line in info:
                if line.startswith("flags"):
                    return line.split(":", 1)[1].split()
    except OSError:
        pass
    return []


def has_qonnx():
    """Whether what python/requirements-interchange.txt lists is there."""
    found = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ('qonnx', 'onnxruntime', 'brevitas'))))"
    return subprocess.run([python, "-c", found], stderr=subprocess.DEVNULL).returncode == 0


def has_tosa_tools():
    """Whether the TOSA reference model of that list is there."""
    found = "import importlib.metadata as m; m.distribution('tosa-tools')"
    return subprocess.run([python, "-c", found], stderr=subprocess.DEVNULL).returncode == 0


def has_cuda_device():
    """Whether the driver's library is there and sees a device; asking it is the only honest test."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


def find_ptxas():
    """NVIDIA's assembler, in the build's Python or in PATH; None where there is none, or not of the version whose registers
    test/Integration/cuda/Inputs/ptxas.md holds (python/requirements-ptxas.txt)."""
    find = "import nvidia.cuda_nvcc as m; print(list(m.__path__)[0])"
    found = subprocess.run([python, "-c", find], capture_output=True, text=True)
    path = os.path.join(found.stdout.strip(), "bin", "ptxas")
    path = path if found.returncode == 0 and os.access(path, os.X_OK) else shutil.which("ptxas")
    said = subprocess.run([path, "--version"], capture_output=True, text=True).stdout if path else ""
    return path if "release 12.9" in said else None


for flag in cpu_flags():
    config.available_features.add(flag)
    config.available_features.add(flag.replace("_", ""))
if has_cuda_device():
    config.available_features.add("cuda")
if config.build_type != "Debug" and not config.sanitized:
    config.available_features.add("release")
if config.sanitized:
    config.available_features.add("sanitized")
if has_qonnx():
    config.available_features.add("qonnx")
if has_tosa_tools():
    config.available_features.add("tosa-tools")
for program in ("dpkg-shlibdeps", "pkg-config", "protoc", "valgrind"):
    if shutil.which(program, path=config.environment["PATH"]):
        config.available_features.add(program)
if ptxas := find_ptxas():
    config.available_features.add("ptxas")
    config.substitutions.append(("%ptxas", ptxas))
