/* oci.h - what the OCI runtime knows: the bundle's config.json (OCI runtime specification 1.0) and
 * the state folders of runc and crun. */
#ifndef AMBER_RUNTIME_OCI_H
#define AMBER_RUNTIME_OCI_H

#include "base/jtree.h"
#include "runtime/draft.h"

/* Fills from a config.json: rootfs, mounts, user, command, privileged, what CRI and Podman put in
 * annotations, and which runtime's bundle it seems to be.  `bundle` is the absolute path of its
 * folder. */
void oci_fill_config(struct draft *d, struct jval config, struct span bundle);

/* Reads BUNDLE/config.json and fills from it.  *cgroup (may be NULL) gets linux.cgroupsPath. */
int oci_read_bundle(const char *bundle, struct draft *d, struct buf *cgroup, struct err *e);

/* Fills from runc's ROOT/ID/state.json or crun's ROOT/ID/status, with the state RUNNING.
 * `mount` is where the hierarchy is mounted (its cgroup path is told without it); NULL: no path. */
int oci_read_state(int root_fd, const char *id, const char *mount, struct draft *d, struct err *e);

/* The same from a parsed file. */
void oci_fill_runc(struct draft *d, struct jval state, const char *mount);
void oci_fill_crun(struct draft *d, struct jval status, const char *mount);

/* YES when the container may do everything (all of: CAP_SYS_ADMIN, no seccomp filter, nothing
 * masked, all devices), NO when it lacks CAP_SYS_ADMIN or has a filter and masks, else unknown. */
enum truth oci_privileged(struct jval config);

/* Sets upper_dir when an overlay with a writable layer is mounted on rootfs. */
void oci_fill_upper_dir(struct draft *d);

#endif
