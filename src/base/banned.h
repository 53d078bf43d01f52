/* banned.h - functions that have no safe use here; naming one is a compile error.
 *
 * Included before every file by the build.  What to use instead: buf.h for building strings,
 * snprintf for fixed ones, fd.h and posix_spawn instead of a shell. */
#ifndef AMBER_BASE_BANNED_H
#define AMBER_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#undef alloca /* a macro of stdlib.h; a poisoned name must not be one */
#ifndef AMBER_ALLOW_BANNED
#pragma GCC poison strcpy strcat sprintf vsprintf strncpy strncat gets strtok
#pragma GCC poison popen system alloca tmpnam tempnam mktemp atoi atol atoll
#pragma GCC poison asctime ctime
#endif

#endif
