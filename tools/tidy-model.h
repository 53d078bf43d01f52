/* tidy-model.h - what clang-tidy's analyzer cannot see across files, said once.
 *
 * Included before every file that tools/tidy looks at except base/err.c: the functions that report
 * an error never return 0 (base/err.h), so what follows `if (f(...) < 0)` has its outputs. */
#ifndef AMBER_TOOLS_TIDY_MODEL_H
#define AMBER_TOOLS_TIDY_MODEL_H

#include "base/err.h"

#define err_set(...)	((void)(err_set)(__VA_ARGS__), -EINVAL)
#define err_sys(...)	((void)(err_sys)(__VA_ARGS__), -EINVAL)
#define err_prefix(...) ((void)(err_prefix)(__VA_ARGS__), -EINVAL)
#define err_hint(...)	((void)(err_hint)(__VA_ARGS__), -EINVAL)

#endif
