// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "n2uq/Target/Target.h"
#include "n2uq/model.h"

#include "lld/Common/Driver.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

LLD_HAS_DRIVER(elf)

using namespace llvm;

namespace n2uq {

static std::string firstLine(StringRef text) { return text.split('\n').first.trim().str(); }

std::string linkModel(ArrayRef<char> object, const std::string &path) {
  // A device or a pipe of that name must not be replaced by our file.
  if (sys::fs::exists(path) && !sys::fs::is_regular_file(path))
    return "cannot write '" + path + "': it is there and not a file";
  // Both temporary files stand beside the result: what can be renamed is on the same file system.
  int descriptor = -1;
  SmallString<128> objectPath, libraryPath;
  if (std::error_code code = sys::fs::createUniqueFile(path + ".%%%%%%.o", descriptor, objectPath))
    return "cannot write '" + path + "': " + code.message();
  FileRemover removeObject(objectPath);
  {
    raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
    stream.write(object.data(), object.size());
    stream.flush();
    if (stream.has_error()) {
      std::string reason = stream.error().message();
      stream.clear_error();
      return "cannot write '" + path + "': " + reason;
    }
  }
  libraryPath = objectPath;
  libraryPath += ".so";
  FileRemover removeLibrary(libraryPath);

  std::string output;
  raw_string_ostream stream(output);
  // Symbols of libc are found when the library is loaded; every program has it.
  std::string soname = "-soname=" + StringRef(path).rsplit('/').second.str();
  if (soname.size() == 8)
    soname = "-soname=" + path;
  lld::Result result =
      lld::lldMain({"ld.lld", "-shared", "-o", libraryPath.c_str(), objectPath.c_str(), "-z", "relro", "-z", "now",
                    "--gc-sections", "--build-id=none", "--hash-style=gnu", "-s", soname.c_str()},
                   stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0)
    return "cannot link '" + path + "': " + firstLine(stream.str());

  // The trailer goes behind the ELF image, where the loader does not look.
  auto library = MemoryBuffer::getFile(libraryPath, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!library)
    return "cannot read back '" + path + "': " + library.getError().message();
  StringRef bytes = (*library)->getBuffer();
  n2uq_trailer trailer = {N2UQ_TRAILER_MAGIC, bytes.size(),
                          n2uq_checksum(reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size())};
  {
    std::error_code code;
    raw_fd_ostream append(libraryPath, code, sys::fs::OF_Append);
    if (!code)
      append.write(reinterpret_cast<const char *>(&trailer), sizeof(trailer));
    append.flush();
    if (code || append.has_error()) {
      if (append.has_error())
        code = append.error();
      append.clear_error();
      return "cannot write '" + path + "': " + code.message();
    }
  }
  if (std::error_code code = sys::fs::rename(libraryPath, path))
    return "cannot write '" + path + "': " + code.message();
  removeLibrary.releaseFile();
  return "";
}

} // namespace n2uq
