/* Part of the N2UQ compiler, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>

#ifndef N2UQ_VERSION_STRING
#error "the build defines N2UQ_VERSION_STRING"
#endif

static _Thread_local char last_error[1024];

const char *n2uq_version(void) { return N2UQ_VERSION_STRING; }

const char *n2uq_last_error(void) { return last_error; }

n2uq_status n2uq_fail(n2uq_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(last_error, sizeof last_error, format, arguments);
  va_end(arguments);
  /* File names and strings of a damaged file come into sentences; a sentence stays one line. */
  for (char *at = last_error; *at; ++at)
    if ((unsigned char)*at < ' ')
      *at = '?';
  return status;
}
