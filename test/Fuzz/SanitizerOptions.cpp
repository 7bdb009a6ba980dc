// Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM's bump allocator poisons what it has not handed out yet, where it is compiled with the address sanitizer. Its
// inline functions are, in our objects, and are not, in LLVM's libraries: what the one poisons the other hands out.
extern "C" const char *__asan_default_options();
extern "C" const char *__asan_default_options() { return "allow_user_poisoning=0"; }
