/* podman.h - Podman: its libpod API where the service runs, else its storage.
 *
 * There is usually no daemon: podman writes the container into containers.json of its storage,
 * and the bundle into overlay-containers/ID/userdata. */
#ifndef AMBER_RUNTIME_PODMAN_H
#define AMBER_RUNTIME_PODMAN_H

#include "base/jtree.h"
#include "runtime/draft.h"

#define PODMAN_SOCKET  "/run/podman/podman.sock"
#define PODMAN_STORAGE "/var/lib/containers/storage"

/* Fills from STORAGE/overlay-containers/containers.json (and volatile-containers.json), the
 * image's digest from overlay-images/images.json, and the bundle.  -ENOENT when the storage does
 * not have the container. */
int podman_read_disk(const char *storage, const char *id, struct draft *d, struct err *e);

/* The same from one entry of containers.json, and from images.json. */
void podman_fill_container(struct draft *d, struct jval entry);
void podman_fill_image(struct draft *d, struct jval images);

/* Calls `fn` with every container id of the storage until it returns other than 0. */
int podman_list_disk(const char *storage, int (*fn)(void *ctx, struct span id), void *ctx,
		     struct err *e);

/* Fills from GET /libpod/containers/ID/json. */
int podman_inspect(const char *socket, const char *id, struct draft *d, struct err *e);
void podman_fill_inspect(struct draft *d, struct jval answer);

/* The storage that a bundle lies in: STORAGE/overlay-containers/ID/userdata; LIMIT_PATH bytes. */
bool podman_storage_of(const struct container *c, char *ret_storage);

#endif
