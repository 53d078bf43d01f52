/* rules_require.h - what a file of rules requires of the engine and of plugins. */
#ifndef AMBER_DETECT_RULES_REQUIRE_H
#define AMBER_DETECT_RULES_REQUIRE_H

#include "detect/rules_file.h"

/* The value of required_engine_version: a number N (0.N.0) or "x.y.z".  What is newer than the
 * engine that Amber stands for, or cannot be read, is an error in `d`. */
void rules_require_engine(const struct rules_file *f, uint32_t value, struct diagnostics *d);

/* The value of required_plugin_versions.  The container plugin is satisfied by Amber itself up to
 * RULES_CONTAINER_PLUGIN, as one of several alternatives too; any other plugin is an error. */
void rules_require_plugins(const struct rules_file *f, uint32_t value, struct diagnostics *d);

#endif
