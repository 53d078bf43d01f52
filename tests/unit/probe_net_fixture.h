/* probe_net_fixture.h - calls on sockets in a tracked child, and a check of every field of their
 * records against what the kernel tells the child about the socket.
 *
 *	static void act(void *arg) { do_connect(do_socket(AF_INET, SOCK_STREAM, 0), end4(...)); }
 *
 *	net_run(act, NULL);
 *	assert_net(&tells->tell[0], &(struct net_want){.type = WIRE_NET_CONNECT}); */
#ifndef AMBER_TESTS_UNIT_PROBE_NET_FIXTURE_H
#define AMBER_TESTS_UNIT_PROBE_NET_FIXTURE_H

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/vm_sockets.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "probe_file_fixture.h"

#define TELLS_MAX 64

/* An address of any family. */
struct end {
	struct sockaddr_storage a;
	socklen_t len; /* 0: none */
};

/* What the child found about one call: what the kernel tells it. */
struct tell {
	long nr, ret;
	int fd, family, type, protocol;
	uint64_t ino;
	struct end local, remote;
};

struct tells {
	unsigned count;
	struct tell tell[TELLS_MAX];
};

static struct tells *tells;

static inline void needs(int condition)
{
	if (!condition)
		_exit(97);
}

/* In the child: what came of a call on the socket `fd`, right after it. */
static inline long tell(long nr, long ret, int fd)
{
	struct tell *t = &tells->tell[tells->count++];
	socklen_t n = sizeof(int);
	struct stat st;

	t->nr = nr;
	t->ret = ret < 0 ? -errno : ret;
	t->fd = fd;
	if (fstat(fd, &st) || !S_ISSOCK(st.st_mode))
		return ret;
	t->ino = st.st_ino;
	(void)getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &t->family, &n);
	(void)getsockopt(fd, SOL_SOCKET, SO_TYPE, &t->type, &n);
	(void)getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &t->protocol, &n);
	t->local.len = t->remote.len = sizeof(t->local.a);
	if (getsockname(fd, (void *)&t->local.a, &t->local.len))
		t->local.len = 0;
	if (getpeername(fd, (void *)&t->remote.a, &t->remote.len))
		t->remote.len = 0;
	return ret;
}

static inline struct end end4(const char *addr, unsigned port)
{
	struct end e = {.len = sizeof(struct sockaddr_in)};
	struct sockaddr_in *in = (void *)&e.a;

	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	inet_pton(AF_INET, addr, &in->sin_addr);
	return e;
}

static inline struct end end6(const char *addr, unsigned port)
{
	struct end e = {.len = sizeof(struct sockaddr_in6)};
	struct sockaddr_in6 *in = (void *)&e.a;

	in->sin6_family = AF_INET6;
	in->sin6_port = htons((uint16_t)port);
	inet_pton(AF_INET6, addr, &in->sin6_addr);
	return e;
}

/* `n` bytes of a name; an abstract one starts with NUL, a path has its NUL counted. */
static inline struct end end_unix(const char *name, size_t n)
{
	struct end e = {.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)};
	struct sockaddr_un *un = (void *)&e.a;

	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, name, n);
	return e;
}

static inline struct end end_path(const char *path)
{
	return end_unix(path, strlen(path) + 1);
}

static inline struct end own_end(int fd)
{
	struct end e = {.len = sizeof(e.a)};

	needs(!getsockname(fd, (void *)&e.a, &e.len));
	return e;
}

static inline long do_socket(int family, int type, int protocol)
{
	long r = socket(family, type, protocol);

	needs(r >= 0);
	return r;
}

static inline long do_bind(int fd, struct end e)
{
	return tell(SYS_bind, bind(fd, (void *)&e.a, e.len), fd);
}

static inline long do_connect(int fd, struct end e)
{
	return tell(SYS_connect, connect(fd, (void *)&e.a, e.len), fd);
}

static inline long do_listen(int fd, int backlog)
{
	return tell(SYS_listen, listen(fd, backlog), fd);
}

static inline long do_accept(int fd)
{
	long r = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	return tell(SYS_accept4, r, r < 0 ? fd : (int)r);
}

static inline long do_sendto(int fd, const void *bytes, size_t n, struct end e)
{
	return tell(SYS_sendto, sendto(fd, bytes, n, 0, e.len ? (void *)&e.a : NULL, e.len), fd);
}

/* ---- what a record must say ---- */

/* What is not named is what the kernel told the child. */
struct net_want {
	unsigned type, nth;
	const struct end *claim; /* the far end; of a bind the own */
	int backlog;
	uint64_t size;
	pid_t peer_pid;
	const char *name; /* of a unix socket */
	size_t name_len;
	int name_claim;
	const char *path;
	int packet_protocol;
	unsigned marks; /* WIRE_MARK_CLAIM comes by itself */
};

static inline void end_bytes(const struct end *e, const struct tell *t, uint8_t *addr,
			     unsigned *port)
{
	const struct sockaddr_in6 *in6 = (const void *)&e->a;
	const struct sockaddr_in *in4 = (const void *)&e->a;
	const struct sockaddr_ll *ll = (const void *)&e->a;
	const struct sockaddr_vm *vm = (const void *)&e->a;

	memset(addr, 0, 16);
	*port = 0;
	if (!e->len)
		return;
	if (e->a.ss_family == AF_INET) {
		memcpy(addr, &in4->sin_addr, 4);
		*port = ntohs(in4->sin_port);
	} else if (e->a.ss_family == AF_INET6) {
		memcpy(addr, &in6->sin6_addr, 16);
		*port = ntohs(in6->sin6_port);
	} else if (e->a.ss_family == AF_PACKET) {
		memcpy(addr, &ll->sll_ifindex, 4);
		if (e != &t->local)
			memcpy(addr + 4, ll->sll_addr, 8);
	} else if (e->a.ss_family == AF_VSOCK) {
		memcpy(addr, &vm->svm_cid, 4);
		memcpy(addr + 4, &vm->svm_port, 4);
	}
	if (t->type == SOCK_RAW)
		*port = 0;
}

static inline void assert_end(const uint8_t *addr, unsigned port, const struct end *e,
			      const struct tell *t)
{
	uint8_t want_addr[16];
	unsigned want_port;

	end_bytes(e, t, want_addr, &want_port);
	assert_memory_equal(addr, want_addr, 16);
	assert_int_equal(port, want_port);
}

static inline void assert_name(const struct wire_net *w, const struct net_want *x)
{
	const char *bytes;

	if (x->name)
		fixture_assert_text(w, sizeof(*w), WIRE_TEXT_SOCKET, x->name, x->name_len,
				    x->name_claim ? WIRE_TEXT_CLAIM : 0);
	else
		assert_null(fixture_text(w, sizeof(*w), WIRE_TEXT_SOCKET, &bytes));
	assert_kernel_path(w, sizeof(*w), WIRE_TEXT_PATH, x->path, 0);
}

static inline void assert_net(const struct tell *t, const struct net_want *x)
{
	const struct wire_net *w = fixture_nth(x->type, x->nth);
	int own = x->claim && x->type == WIRE_NET_BIND;
	int protocol = x->packet_protocol ? x->packet_protocol : t->protocol;
	int family = t->family ? t->family : x->claim ? x->claim->a.ss_family : 0;

	if (!w)
		fail_msg("no record %u of type %u", x->nth, x->type);
	work.step.nr = t->nr;
	work.told->ret = t->ret;
	assert_head(&w->head, x->type, x->marks | (x->claim ? WIRE_MARK_CLAIM : 0));
	assert_int_equal(w->sock_ino, t->ino);
	assert_int_equal(w->size, x->size);
	assert_int_equal(w->family, family);
	assert_int_equal(w->sock_type, t->type);
	assert_int_equal(w->protocol, protocol);
	assert_int_equal(w->net_flags, x->claim ? WIRE_NET_CLAIM : 0);
	assert_int_equal(w->fd, t->fd);
	assert_int_equal(w->backlog, x->backlog);
	assert_int_equal(w->peer_pid, x->peer_pid);
	assert_end(w->local_addr, w->local_port, own ? x->claim : &t->local, t);
	assert_end(w->remote_addr, w->remote_port, x->claim && !own ? x->claim : &t->remote, t);
	assert_name(w, x);
}

static inline void net_run(void (*act)(void *arg), void *arg)
{
	memset(tells, 0, sizeof(*tells));
	memset(work.told, 0, sizeof(*work.told));
	work.before_ns = work_boot_ns();
	fixture_run(act, arg);
	assert_int_equal(fixture.status, 0);
}

static inline unsigned records_of(unsigned type)
{
	unsigned n = 0;

	while (fixture_nth(type, n))
		n++;
	return n;
}

static inline void assert_counts(unsigned connects, unsigned accepts, unsigned binds,
				 unsigned listens, unsigned sends, unsigned sockets)
{
	assert_int_equal(records_of(WIRE_NET_CONNECT), connects);
	assert_int_equal(records_of(WIRE_NET_ACCEPT), accepts);
	assert_int_equal(records_of(WIRE_NET_BIND), binds);
	assert_int_equal(records_of(WIRE_NET_LISTEN), listens);
	assert_int_equal(records_of(WIRE_NET_SEND), sends);
	assert_int_equal(records_of(WIRE_NET_SOCKET), sockets);
}

/* How many calls the records of a type tell, repeats included. */
static inline uint64_t calls_of(unsigned type)
{
	uint64_t n = 0;

	usleep(1100000); /* a window of folding */
	probe_sweep(fixture.probe, fixture_collect, NULL);
	for (size_t i = 0; i < fixture.count; i++)
		if (fixture.records[i]->type == type &&
		    fixture.records[i]->cgroup_id == fixture.cgroup_id)
			n += fixture.records[i]->count;
	return n;
}

#endif
