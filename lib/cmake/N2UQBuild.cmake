# Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Finds LLVM/MLIR 22 of the distribution and defines how the project's targets are made:
#   n2uq_add_library(NAME a.cpp … [LINK lib …] [DEPENDS tablegen …])   a static library over MLIR, precompiled header shared
#   n2uq_add_tool(NAME a.cpp … [LINK lib …])                            an executable in build/bin

foreach(version_prefix /usr/lib/llvm-22)
  list(APPEND CMAKE_PREFIX_PATH ${version_prefix})
endforeach()
find_package(LLVM 22.1 REQUIRED CONFIG)
find_package(MLIR 22.1 REQUIRED CONFIG)
message(STATUS "MLIR ${LLVM_PACKAGE_VERSION}: ${MLIR_DIR}")

set(MLIR_LINK_MLIR_DYLIB ON)
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)

separate_arguments(llvm_definitions NATIVE_COMMAND "${LLVM_DEFINITIONS}")
add_library(n2uq_mlir INTERFACE)
target_include_directories(n2uq_mlir SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
target_compile_definitions(n2uq_mlir INTERFACE ${llvm_definitions})
target_link_libraries(n2uq_mlir INTERFACE n2uq_base MLIR LLVM)

# Executables are compiled as -fPIC too, so that they can share the libraries' precompiled header.
set(CMAKE_CXX_COMPILE_OPTIONS_PIE -fPIC)
# The one precompiled header: what nearly every file over MLIR includes.
file(WRITE ${PROJECT_BINARY_DIR}/pch/n2uq-pch.cpp.in "")
configure_file(${PROJECT_BINARY_DIR}/pch/n2uq-pch.cpp.in ${PROJECT_BINARY_DIR}/pch/n2uq-pch.cpp COPYONLY)
add_library(n2uq_pch OBJECT ${PROJECT_BINARY_DIR}/pch/n2uq-pch.cpp)
target_link_libraries(n2uq_pch PRIVATE n2uq_mlir)
target_precompile_headers(n2uq_pch PRIVATE
  <mlir/Dialect/Arith/IR/Arith.h> <mlir/Dialect/Func/IR/FuncOps.h> <mlir/IR/Builders.h> <mlir/IR/BuiltinOps.h>
  <mlir/IR/BuiltinTypes.h> <mlir/IR/DialectResourceBlobManager.h> <mlir/IR/Matchers.h> <mlir/IR/PatternMatch.h>
  <mlir/Pass/Pass.h> <mlir/Pass/PassManager.h> <mlir/Transforms/GreedyPatternRewriteDriver.h>
  <llvm/ADT/TypeSwitch.h> <string> <vector>)

# A precompiled header names its own folder, so that no two copies of the tree have the same bytes. ccache takes this sum
# in its place: what the header is made of (flags are part of every command line anyway).
file(TIMESTAMP ${MLIR_DIR}/MLIRConfig.cmake mlir_installed UTC)
get_target_property(pch_headers n2uq_pch PRECOMPILE_HEADERS)
string(SHA256 pch_sum "${pch_headers} ${LLVM_PACKAGE_VERSION} ${mlir_installed} ${CMAKE_CXX_COMPILER_VERSION}")
file(WRITE ${PROJECT_BINARY_DIR}/CMakeFiles/n2uq_pch.dir/cmake_pch.hxx.pch.sum ${pch_sum})

function(n2uq_add_library name)
  cmake_parse_arguments(arg "" "" "LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC n2uq_mlir ${arg_LINK})
  target_precompile_headers(${name} REUSE_FROM n2uq_pch)
  add_dependencies(${name} n2uq_headers ${arg_DEPENDS})
endfunction()

function(n2uq_add_tool name)
  cmake_parse_arguments(arg "" "" "LINK;DEPENDS" ${ARGN})
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE n2uq_mlir ${arg_LINK})
  target_precompile_headers(${name} REUSE_FROM n2uq_pch)
  add_dependencies(${name} n2uq_headers ${arg_DEPENDS})
endfunction()
