/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Tells a whole, unchanged model's file from anything else before any of its code is mapped.
 */
#include "internal.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

#if defined(__x86_64__)
static const Elf64_Half this_machine = EM_X86_64;
#elif defined(__aarch64__)
static const Elf64_Half this_machine = EM_AARCH64;
#else
#error "the runtime does not know this machine's ELF number"
#endif

static n2uq_status not_a_model(const char *path, const char *why) {
  return n2uq_fail(N2UQ_BAD_FILE, "'%s' is not a compiled model: %s", path, why);
}

n2uq_status n2uq_check_image(const char *path, const unsigned char *bytes, uint64_t size) {
  Elf64_Ehdr header;
  if (size < SELFMAG || memcmp(bytes, ELFMAG, SELFMAG) != 0)
    return not_a_model(path, "it is no shared library");
  if (size < sizeof header + sizeof(n2uq_trailer))
    return not_a_model(path, "it is cut off in its header");
  memcpy(&header, bytes, sizeof header);

  /* The trailer first: it explains a damaged file better than any field of the header could. */
  n2uq_trailer trailer;
  uint64_t image = size - sizeof trailer;
  memcpy(&trailer, bytes + image, sizeof trailer);
  if (trailer.magic != N2UQ_TRAILER_MAGIC)
    return not_a_model(path,
                       "it does not end with a model's trailer, so it was cut off, or n2uq-compile did not write it");
  if (trailer.size != image)
    return n2uq_fail(N2UQ_BAD_FILE,
                     "'%s' is damaged: it holds %" PRIu64 " bytes before its trailer, but was written with %" PRIu64
                     "; copy or compile it again",
                     path, image, trailer.size);
  if (trailer.checksum != n2uq_checksum(bytes, image))
    return n2uq_fail(N2UQ_BAD_FILE, "'%s' is damaged: its checksum is wrong; copy or compile it again", path);

  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != this_machine)
    return n2uq_fail(N2UQ_BAD_CPU, "cannot load '%s': it is a library for another machine", path);
  if (header.e_type != ET_DYN)
    return not_a_model(path, "it is an ELF file, but no shared library");
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum == 0 || header.e_phoff > image ||
      header.e_phnum > (image - header.e_phoff) / sizeof(Elf64_Phdr))
    return not_a_model(path, "its program headers do not lie in the file");
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    memcpy(&segment, bytes + header.e_phoff + i * sizeof segment, sizeof segment);
    if (segment.p_type == PT_LOAD &&
        (segment.p_offset > image || segment.p_filesz > image - segment.p_offset || segment.p_filesz > segment.p_memsz))
      return not_a_model(path, "a segment does not lie in the file");
  }
  return N2UQ_OK;
}
