# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads a torch.save file without torch, and without trusting it.

Such a file is a zip of one pickle and one raw file a storage. A pickle can name any function of any module; this reader
resolves four names and refuses every other one, so that a checkpoint from somewhere can do no more than hold numbers.
"""

import collections
import os
import pickle
import zipfile

import numpy as np

from .errors import Error

_LEGACY_MAGIC = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"  # the pickled integer 0x1950a86a20f9469cfc6c
_STORAGES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Refusal(Exception):
    """What is wrong, said inside of the unpickler; read() adds which file."""


# What torch.save writes for dictionaries of tensors and numbers, in any version; LONG1 and TUPLE3 for safety.
_OPCODES = ("PROTO EMPTY_DICT EMPTY_LIST EMPTY_TUPLE MARK TUPLE TUPLE1 TUPLE2 TUPLE3 BINPUT LONG_BINPUT BINGET LONG_BINGET "
            "BINUNICODE BININT BININT1 BININT2 LONG1 BINFLOAT NONE NEWTRUE NEWFALSE GLOBAL REDUCE BINPERSID SETITEM "
            "SETITEMS APPEND APPENDS BUILD STOP").split()


def _printable(text):
    """Text from the file for a message: one line, no control characters, not endless."""
    return ascii(text)[1:-1][:100]


# Tensors may share a storage, but not so often that a small file fills the memory.
_MOST_SHARING = 16


class _Dispatch(dict):
    def __missing__(self, code):
        raise _Refusal(f"it uses the pickle instruction {chr(code)!a}, which torch.save does not; save it again with "
                       "torch.save")


class _Unpickler(pickle._Unpickler):
    """The standard library's unpickler in Python: its table of instructions can be cut down to those above."""

    dispatch = _Dispatch({getattr(pickle, name)[0]: pickle._Unpickler.dispatch[getattr(pickle, name)[0]]
                          for name in _OPCODES})

    def __init__(self, stream, archive, root, file_bytes):
        super().__init__(stream)
        self.archive, self.root, self.storages = archive, root, {}
        self.file_bytes, self.storage_bytes, self.tensor_bytes = file_bytes, 0, 0

    def load_empty_dictionary(self):
        self.append(_Dictionary())

    dispatch[pickle.EMPTY_DICT[0]] = load_empty_dictionary

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return _Dictionary
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self.tensor
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        raise _Refusal(f"it names '{_printable(module)}.{_printable(name)}', which a checkpoint of float32 and int64 tensors does not need; save "
                       "only the state_dict with torch.save")

    def persistent_load(self, identity):
        if not (isinstance(identity, tuple) and len(identity) == 5 and isinstance(identity[0], str) and identity[0] == "storage" and
                isinstance(identity[1], np.dtype) and isinstance(identity[2], str) and isinstance(identity[4], int)):
            raise _Refusal("it refers to something that is not a storage; save it again with torch.save")
        _, kind, key, _, count = identity
        if key not in self.storages:
            name = f"{self.root}/data/{key}"
            try:
                content = self.archive.read(_stored(self.archive, name))
            except KeyError:
                raise _Refusal(f"its part '{_printable(name)}' is missing; copy the file again") from None
            self.storage_bytes += len(content)
            if self.storage_bytes > self.file_bytes:
                raise _Refusal("its parts together are larger than the file; copy the file again")
            if len(content) != count * kind.itemsize:
                raise _Refusal(f"its part '{_printable(name)}' has {len(content)} bytes instead of {count * kind.itemsize}; copy the "
                               "file again")
            self.storages[key] = np.frombuffer(content, kind)
        return self.storages[key]

    def tensor(self, *description):
        array = _tensor(*description)
        self.tensor_bytes += array.nbytes
        if self.tensor_bytes > _MOST_SHARING * self.storage_bytes:
            raise _Refusal(f"its tensors together are more than {_MOST_SHARING} times as large as their storages; save it "
                           "again with torch.save")
        return array


def _only_on(kind, names):
    """Instructions that change the object below them may change objects of `kind` only: an array or an element type takes
    some of them too, and an element type is the whole process's."""
    def guarded(load, below):
        def run(unpickler):
            values = unpickler.metastack[-1] if below is None else unpickler.stack[:-below]
            if not values or not isinstance(values[-1], kind):
                raise _Refusal("it changes an object that is no dictionary and no list; save it again with torch.save")
            load(unpickler)
        return run

    for name, below in names.items():
        code = getattr(pickle, name)[0]
        _Unpickler.dispatch[code] = guarded(_Unpickler.dispatch[code], below)


class _Dictionary(collections.OrderedDict):
    def __setitem__(self, key, value):
        # The hash of a tuple of tuples takes exponential time where they share their parts.
        if not isinstance(key, (str, int)):
            raise _Refusal("it has a dictionary with a key that is neither text nor a whole number; save only the state_dict "
                           "with torch.save")
        super().__setitem__(key, value)

    def __setstate__(self, state):
        """state_dict carries a `_metadata` attribute, which says nothing that we need."""


# How many values of the instruction lie above the object: None where they lie behind a mark.
_only_on(_Dictionary, {"BUILD": 1, "SETITEM": 2, "SETITEMS": None})
_only_on(list, {"APPEND": 1, "APPENDS": None})


def _tensor(storage, offset, size, stride, *_):
    """The array that torch's _rebuild_tensor_v2 describes, checked against the storage's bounds."""
    numbers = (offset, *size, *stride)
    if not isinstance(storage, np.ndarray) or len(size) != len(stride) or \
            any(type(n) is not int or n < 0 for n in numbers):
        raise _Refusal("it describes a tensor with an extent that is no natural number; save it again with torch.save")
    count = int(np.prod(size, dtype=object)) if size else 1
    last = offset + sum((extent - 1) * step for extent, step in zip(size, stride))
    if count > 0 and (last >= storage.size or count > storage.size):
        raise _Refusal("it describes a tensor that reaches beyond its storage; copy the file again")
    if count == 0:
        return np.zeros(size, storage.dtype)
    strides = [step * storage.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, strides, writeable=False).copy()


def _stored(archive, name):
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED:
        raise _Refusal(f"its part '{name}' is compressed, which torch.save never does; save it again with torch.save")
    return info


def read(path):
    """The object in a torch.save file, every tensor a numpy array."""
    try:
        with open(path, "rb") as stream:
            start = stream.read(64)
            if _LEGACY_MAGIC in start[:16]:
                raise _Refusal("it is in the legacy container of torch before 1.6; load it with torch.load and save it "
                               "again with a current torch.save")
            if not start.startswith(b"PK"):
                raise _Refusal("it is not a torch.save file (no zip signature); give a .pth or .pth.tar file")
            with zipfile.ZipFile(stream) as archive:
                pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
                if len(pickles) != 1:
                    raise _Refusal("it holds no single data.pkl, so torch.save has not written it; give a .pth or "
                                   ".pth.tar file")
                root = pickles[0].rpartition("/")[0]
                if f"{root}/byteorder" in archive.namelist() and \
                        archive.read(_stored(archive, f"{root}/byteorder")) != b"little":
                    raise _Refusal("it was saved on a big-endian machine; save it again on a little-endian one")
                with archive.open(_stored(archive, pickles[0])) as pickled:
                    return _Unpickler(pickled, archive, root, os.fstat(stream.fileno()).st_size).load()
    except _Refusal as error:
        raise Error(f"{path}: {error}") from None
    except OSError as error:
        raise Error(f"{path}: cannot be read ({error.strerror or error}); check the path") from None
    except RecursionError:
        raise Error(f"{path}: is nested too deeply for a checkpoint; copy the file again") from None
    except MemoryError:
        raise Error(f"{path}: does not fit into memory; copy the file again or use a larger machine") from None
    except Exception as error:  # a damaged zip or pickle fails in many ways, all of them the file's fault
        raise Error(f"{path}: is damaged ({type(error).__name__}: {_printable(str(error))}); copy the file again") from None


def state_dict(path):
    """The named arrays of a checkpoint (the authors' dictionary or a bare state dict), without `module.`."""
    content = read(path)
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not content or \
            not all(isinstance(k, str) and isinstance(v, np.ndarray) for k, v in content.items()):
        raise Error(f"{path}: holds no state_dict (names with tensors); save model.state_dict() with torch.save")
    return {key[7:] if key.startswith("module.") else key: value for key, value in content.items()}
