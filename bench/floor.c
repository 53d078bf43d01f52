/* floor.c - attaches the programs of floor.bpf.o until it is told to end: floor OBJECT READY. */
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct bpf_object *object = argc == 3 ? bpf_object__open_file(argv[1], NULL) : NULL;
	struct bpf_program *program;
	sigset_t ends;
	int got;

	if (!object || bpf_object__load(object) != 0) {
		fprintf(stderr, "usage: floor OBJECT READY (as root)\n");
		return 1;
	}
	bpf_object__for_each_program(program, object)
	{
		if (!bpf_program__attach(program)) {
			fprintf(stderr, "floor: cannot attach %s\n", bpf_program__name(program));
			return 1;
		}
	}
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	close(open(argv[2], O_WRONLY | O_CREAT, 0644));
	sigwait(&ends, &got);
	return 0;
}
