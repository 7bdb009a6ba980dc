# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# How every file is compiled, with LLVM or without: ccache, and the interface library n2uq_base.
include(CheckLinkerFlag)
find_package(Threads REQUIRED)

find_program(CCACHE ccache)
if(CCACHE)
  # Without the sloppiness ccache refuses every file that uses a precompiled header.
  set(ccache_settings CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    # A second copy of the tree finds what the first compiled (the test of tools/dev/new-pass lives from it). Not with
    # debug information, which names the folder of the sources.
    list(APPEND ccache_settings CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_PCH_EXTSUM=1
         CCACHE_IGNOREOPTIONS=${PROJECT_BINARY_DIR}/CMakeFiles/n2uq_pch.dir/cmake_pch.hxx)
  endif()
  set(ccache_launcher ${CMAKE_COMMAND} -E env ${ccache_settings} ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${ccache_launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ccache_launcher})
endif()

add_library(n2uq_base INTERFACE)
target_include_directories(n2uq_base INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include
                           ${PROJECT_SOURCE_DIR}/runtime/include)
target_compile_options(n2uq_base INTERFACE -Wall -Wextra -Wno-unused-parameter)
# Every float step of the semantics is one rounding: nothing may be contracted behind our back.
target_compile_options(n2uq_base INTERFACE -ffp-contract=off)
check_linker_flag(CXX -fuse-ld=lld N2UQ_HAS_LLD)
if(N2UQ_HAS_LLD) # any linker does, this one is the fastest
  target_link_options(n2uq_base INTERFACE -fuse-ld=lld)
endif()
if(N2UQ_SANITIZE)
  target_compile_options(n2uq_base INTERFACE -fsanitize=address,undefined -fno-sanitize=vptr -fno-omit-frame-pointer)
  target_link_options(n2uq_base INTERFACE -fsanitize=address,undefined)
endif()
