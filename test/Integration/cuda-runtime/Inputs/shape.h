/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * What kernels and descriptor agree on. A pixel's 5 codes of 2 bits fill 10 bits of 4 bytes; nobody writes the last
 * two.
 */
enum { height = 3, width = 7, channels = 5, pixel = 4, threads = 32 };
