/* vault_read.h - what the reader's parts share. */
#ifndef AMBER_STORE_VAULT_READ_H
#define AMBER_STORE_VAULT_READ_H

struct vault_reader {
	int dir_fd;
};

#endif
