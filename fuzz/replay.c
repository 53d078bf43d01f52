/* replay.c - feeds files to a fuzz target without libFuzzer: main() for gcc and the tests.
 *
 * Arguments are files or folders of files.  Every input is cut at each of a few lengths too,
 * because a torn file is the input that a recorder meets most.  A run without any input fails: a
 * corpus that went missing must not look like one that passed. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REPLAY_MAX_BYTES (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input lies in memory of exactly its size, so that one byte too far is seen. */
static void feed(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (copy == NULL)
		abort();
	memcpy(copy, data, size);
	(void)LLVMFuzzerTestOneInput(copy, size); /* always 0 by libFuzzer's contract */
	free(copy);
}

static int replay_bytes(const uint8_t *data, size_t size)
{
	static const unsigned quarters = 4;

	feed(data, size);
	for (unsigned i = 0; i < quarters; i++)
		feed(data, size * i / quarters);
	if (size > 0)
		feed(data, size - 1);
	return 1;
}

static int replay_fd(int fd, const char *name)
{
	struct stat st;
	uint8_t *data;
	size_t have = 0;
	int done = 0;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > REPLAY_MAX_BYTES) {
		(void)fprintf(stderr, "%s: not a regular file of at most 64 MB\n", name);
		return 0;
	}
	data = malloc((size_t)st.st_size + 1);
	if (data == NULL)
		abort();
	while (have < (size_t)st.st_size) {
		ssize_t n = read(fd, data + have, (size_t)st.st_size - have);

		if (n <= 0)
			break;
		have += (size_t)n;
	}
	if (have == (size_t)st.st_size)
		done = replay_bytes(data, have);
	else
		(void)fprintf(stderr, "%s: cannot be read whole\n", name);
	free(data);
	return done;
}

static int replay_dir(DIR *dir, const char *name)
{
	struct dirent *entry;
	int done = 0;

	while ((entry = readdir(dir)) != NULL) {
		int fd;

		if (entry->d_name[0] == '.')
			continue;
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			(void)fprintf(stderr, "%s/%s: cannot be opened\n", name, entry->d_name);
			continue;
		}
		done += replay_fd(fd, entry->d_name);
		close(fd);
	}
	return done;
}

static int replay(const char *name)
{
	DIR *dir = opendir(name);
	int done = 0;
	int fd;

	if (dir != NULL) {
		done = replay_dir(dir, name);
		closedir(dir);
		return done;
	}
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		perror(name);
		return 0;
	}
	done = replay_fd(fd, name);
	close(fd);
	return done;
}

int main(int argc, char **argv)
{
	int done = 0;

	for (int i = 1; i < argc; i++) {
		int n = replay(argv[i]);

		if (n == 0)
			(void)fprintf(stderr, "%s: no input was replayed\n", argv[i]);
		done += n;
	}
	printf("%d inputs replayed\n", done);
	return done > 0 ? 0 : 1;
}
