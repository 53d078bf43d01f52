/* log_file.h - one followed log file: opening, rotation, lines, quotas.  For logs.c. */
#ifndef AMBER_RECORD_LOG_FILE_H
#define AMBER_RECORD_LOG_FILE_H

#include "record/keeper_policy.h"
#include "record/logs.h"

/* What all files share.  `chunk` and `scratch` are the thread's. */
struct log_env {
	struct keep_out *out;
	struct keep_gaps gaps;
	struct logs_options options;
	struct buf scratch;
	uint8_t *chunk;
	_Atomic uint64_t lines, bytes, lost;
};

int log_env_init(struct log_env *env, const struct logs_options *options, struct keep_out *out,
		 struct err *e);
void log_env_fini(struct log_env *env);

#define LOG_STREAMS 2

struct log_file {
	struct log_env *env;
	struct keep_who who;
	char *path;
	enum log_format format;
	int fd; /* -1: not there yet */
	int wd; /* inotify watch of its folder; -1 none */
	bool dirty;
	bool skipping; /* inside a raw line that is too long */
	uint64_t since_ns;
	uint64_t offset;
	uint64_t read_ns;    /* boot_ns when it last had something new */
	uint64_t finish_ns;  /* boot_ns of logs_finish; 0: alive */
	uint64_t rotated_ns; /* boot_ns when a successor was seen; 0: none */
	struct buf rest;     /* a raw line whose end is not there yet */
	struct log_part {
		struct buf text; /* parts of a line so far */
		uint64_t real_ns, cut;
		bool open;
	} part[LOG_STREAMS];
	struct keeper_bucket line_quota, byte_quota;
};

int log_file_new(struct log_env *env, const struct keep_who *who, const char *path,
		 enum log_format format, struct log_file **ret, struct err *e);
void log_file_free(struct log_file *file);

/* Opens it when it is not open.  -ENOENT when it is not there, -ELOOP, -EINVAL. */
int log_file_open(struct log_file *file);

/* Reads what is new, at most a few megabytes.  Returns whether more is there. */
bool log_file_read(struct log_file *file, uint64_t now_ns);

/* Reads to the end and emits the lines that never ended. */
void log_file_end(struct log_file *file);

bool log_file_is_unlinked(const struct log_file *file);

/* Counts a gap of this container. */
void log_file_lost(struct log_file *file, const char *reason, uint64_t lines, uint64_t bytes);

#endif
