/* test_probe_net.c - claims about the records of sockets, each field against a real system call. */
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>

#include "probe_net_fixture.h"

/* ---- TCP ---- */

struct tcp_case {
	int listen_family, connect_family;
	const char *listen_addr, *connect_addr;
};

static void act_tcp(void *arg)
{
	const struct tcp_case *t = arg;
	int server = (int)do_socket(t->listen_family, SOCK_STREAM, 0);
	int client = (int)do_socket(t->connect_family, SOCK_STREAM, 0);
	const struct sockaddr_in *in;
	struct end e;
	int in_fd;

	e = t->listen_family == AF_INET ? end4(t->listen_addr, 0) : end6(t->listen_addr, 0);
	needs(!do_bind(server, e));
	needs(!do_listen(server, 7));
	e = own_end(server);
	in = (const void *)&e.a; /* the port is at the same place in both */
	if (t->connect_family == AF_INET)
		e = end4(t->connect_addr, ntohs(in->sin_port));
	else
		e = end6(t->connect_addr, ntohs(in->sin_port));
	needs(!do_connect(client, e));
	in_fd = (int)do_accept(server);
	needs(in_fd >= 0);
	needs(send(client, "hello", 5, 0) == 5); /* of a connection: not told */
	needs(write(in_fd, "hello", 5) == 5);
}

static void assert_tcp(struct tcp_case t)
{
	net_run(act_tcp, &t);
	assert_counts(1, 1, 1, 1, 0, 0);
	assert_net(&tells->tell[0], &(struct net_want){.type = WIRE_NET_BIND});
	assert_net(&tells->tell[1], &(struct net_want){.type = WIRE_NET_LISTEN, .backlog = 7});
	assert_net(&tells->tell[2], &(struct net_want){.type = WIRE_NET_CONNECT});
	assert_net(&tells->tell[3], &(struct net_want){.type = WIRE_NET_ACCEPT});
	assert_true(tells->tell[2].remote.len && tells->tell[3].remote.len);
}

static void a_tcp_connection_has_both_ends_on_both_sides(void **state)
{
	fixture_need();
	assert_tcp((struct tcp_case){AF_INET, AF_INET, "127.0.0.1", "127.0.0.1"});
}

static void an_ipv6_connection_has_both_ends_on_both_sides(void **state)
{
	fixture_need();
	assert_tcp((struct tcp_case){AF_INET6, AF_INET6, "::1", "::1"});
}

static void an_ipv4_peer_of_an_ipv6_socket_is_mapped(void **state)
{
	const struct wire_net *w;
	uint8_t want[16];

	fixture_need();
	assert_tcp((struct tcp_case){AF_INET6, AF_INET, "::", "127.0.0.1"});
	w = fixture_find(WIRE_NET_ACCEPT);
	inet_pton(AF_INET6, "::ffff:127.0.0.1", want);
	assert_memory_equal(w->remote_addr, want, 16);
	assert_tcp((struct tcp_case){AF_INET, AF_INET6, "127.0.0.1", "::ffff:127.0.0.1"});
	w = fixture_find(WIRE_NET_CONNECT);
	assert_memory_equal(w->remote_addr, want, 16);
}

/* A port of 127.0.0.1 where nobody listens: bound and not listened on, until the test ends. */
static struct end closed_port(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct end e = end4("127.0.0.1", 0);

	if (fd < 0 || bind(fd, (void *)&e.a, e.len) || getsockname(fd, (void *)&e.a, &e.len))
		fail_msg("no port: %s", strerror(errno));
	return e; /* fd stays */
}

static void act_connect(void *arg)
{
	const struct end *e = arg;

	(void)do_connect((int)do_socket(e->a.ss_family, SOCK_STREAM, 0), *e);
}

static void a_refused_connect_tells_what_was_asked(void **state)
{
	struct end e = closed_port();

	fixture_need();
	net_run(act_connect, &e);
	assert_counts(1, 0, 0, 0, 0, 0);
	assert_int_equal(tells->tell[0].ret, -ECONNREFUSED);
	assert_net(&tells->tell[0], &(struct net_want){.type = WIRE_NET_CONNECT, .claim = &e});
}

static void act_nonblocking(void *arg)
{
	int server = (int)do_socket(AF_INET, SOCK_STREAM, 0);
	struct end e = end4("127.0.0.1", 0);

	needs(!bind(server, (void *)&e.a, e.len) && !listen(server, 1));
	(void)do_connect((int)do_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), own_end(server));
}

static void a_connect_under_way_has_both_ends(void **state)
{
	fixture_need();
	net_run(act_nonblocking, NULL);
	assert_int_equal(tells->tell[0].ret, -EINPROGRESS);
	assert_true(tells->tell[0].remote.len);
	assert_net(&tells->tell[0], &(struct net_want){.type = WIRE_NET_CONNECT});
}

static void act_fastopen(void *arg)
{
	int server = (int)do_socket(AF_INET, SOCK_STREAM, 0), one = 5;
	int client = (int)do_socket(AF_INET, SOCK_STREAM, 0);
	struct end e = end4("127.0.0.1", 0);

	needs(!bind(server, (void *)&e.a, e.len) && !listen(server, 1));
	(void)setsockopt(server, IPPROTO_TCP, TCP_FASTOPEN, &one, sizeof(one));
	e = own_end(server);
	tell(SYS_sendto, sendto(client, "x", 1, MSG_FASTOPEN, (void *)&e.a, e.len), client);
}

static void a_connection_opened_by_sending_is_a_connect(void **state)
{
	fixture_need();
	net_run(act_fastopen, NULL);
	assert_counts(1, 0, 1, 1, 0, 0);
	assert_int_equal(tells->tell[0].ret, 1);
	assert_true(tells->tell[0].remote.len);
	assert_net(&tells->tell[0], &(struct net_want){.type = WIRE_NET_CONNECT});
}

static void act_scan(void *arg)
{
	const struct end *e = arg;
	struct end to = *e;
	struct sockaddr_in *in = (void *)&to.a;

	for (unsigned i = 0; i < 20; i++) {
		int fd = (int)do_socket(AF_INET, SOCK_STREAM, 0);

		inet_pton(AF_INET, "127.9.9.0", &in->sin_addr);
		in->sin_addr.s_addr = htonl(ntohl(in->sin_addr.s_addr) + i);
		(void)connect(fd, (void *)&to.a, to.len);
		close(fd);
	}
	for (unsigned i = 0; i < 20; i++)
		act_connect(arg);
}

static void a_scan_is_seen_whole_and_its_repeats_are_counted(void **state)
{
	struct end e = closed_port();

	fixture_need();
	net_run(act_scan, &e);
	assert_in_range(records_of(WIRE_NET_CONNECT), 21, 23); /* one a CPU that it ran on */
	assert_int_equal(calls_of(WIRE_NET_CONNECT), 40);
}

/* ---- refused calls ---- */

static void act_refused(void *arg)
{
	const struct end *e = arg;
	int fd = (int)do_socket(AF_INET, SOCK_STREAM, 0), file = open("/dev/null", O_RDONLY);
	int nonblocking = (int)do_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	(void)do_bind(fd, *e);
	(void)do_connect(file, *e);
	(void)do_listen(file, 3);
	(void)do_accept(fd);
	needs(!listen(nonblocking, 1));
	needs(accept(nonblocking, NULL, NULL) == -1 && errno == EAGAIN);
}

static void refused_calls_are_told(void **state)
{
	struct end e = closed_port();

	fixture_need();
	net_run(act_refused, &e);
	assert_counts(1, 1, 1, 2, 0, 0);
	assert_int_equal(tells->tell[0].ret, -EADDRINUSE);
	assert_net(&tells->tell[0], &(struct net_want){.type = WIRE_NET_BIND, .claim = &e});
	assert_int_equal(tells->tell[1].ret, -ENOTSOCK);
	assert_net(&tells->tell[1], &(struct net_want){.type = WIRE_NET_CONNECT, .claim = &e});
	assert_int_equal(tells->tell[2].ret, -ENOTSOCK);
	assert_net(&tells->tell[2], &(struct net_want){.type = WIRE_NET_LISTEN, .backlog = 3});
	assert_int_equal(tells->tell[3].ret, -EINVAL);
	assert_net(&tells->tell[3], &(struct net_want){.type = WIRE_NET_ACCEPT});
}

static void act_vsock(void *arg)
{
	const struct end *e = arg;
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (fd < 0)
		return;
	(void)do_connect(fd, *e);
}

static void a_connect_to_another_machine_over_vsock_is_told(void **state)
{
	struct end e = {.len = sizeof(struct sockaddr_vm)};
	struct sockaddr_vm *vm = (void *)&e.a;

	fixture_need();
	vm->svm_family = AF_VSOCK;
	vm->svm_cid = 77; /* nobody */
	vm->svm_port = 70000;
	net_run(act_vsock, &e);
	if (!tells->count) {
		print_message("skip: no vsock here\n");
		skip();
	}
	assert_true(tells->tell[0].ret < 0);
	assert_net(&tells->tell[0], &(struct net_want){.type = WIRE_NET_CONNECT, .claim = &e});
}

/* ---- UDP ---- */

static void act_udp(void *arg)
{
	struct end *to = arg;
	int fd = (int)do_socket(AF_INET, SOCK_DGRAM, 0);
	int fd6 = (int)do_socket(AF_INET6, SOCK_DGRAM, 0);
	struct end mapped = to[0], none = {.len = 0};

	(void)do_sendto(fd, "12345", 5, to[0]);	  /* to where the caller says */
	(void)do_sendto(fd, "1234567", 7, to[1]); /* another one */
	(void)do_sendto(fd6, "123", 3, mapped);
	(void)do_sendto(fd, "12", 2, none); /* to nobody */
	needs(!do_connect(fd, to[0]));
	(void)do_sendto(fd, "1234", 4, none);
	none.len = sizeof(struct sockaddr); /* takes the far end away: not told */
	needs(!connect(fd, (void *)&none.a, none.len));
}

static void a_datagram_tells_its_far_end(void **state)
{
	struct end to[2] = {closed_port(), closed_port()}, mapped;
	const struct sockaddr_in *in = (const void *)&to[0].a;

	fixture_need();
	net_run(act_udp, to);
	mapped = end6("::ffff:127.0.0.1", ntohs(in->sin_port));
	assert_counts(1, 0, 0, 0, 5, 0);
	assert_net(&tells->tell[0],
		   &(struct net_want){.type = WIRE_NET_SEND, .size = 5, .claim = &to[0]});
	assert_net(&tells->tell[1],
		   &(struct net_want){.type = WIRE_NET_SEND, .nth = 1, .size = 7, .claim = &to[1]});
	assert_net(
		&tells->tell[2],
		&(struct net_want){.type = WIRE_NET_SEND, .nth = 2, .size = 3, .claim = &mapped});
	assert_int_equal(tells->tell[3].ret, -EDESTADDRREQ);
	assert_net(&tells->tell[3], &(struct net_want){.type = WIRE_NET_SEND, .nth = 3, .size = 2});
	assert_net(&tells->tell[4], &(struct net_want){.type = WIRE_NET_CONNECT});
	assert_true(tells->tell[5].remote.len);
	assert_net(&tells->tell[5], &(struct net_want){.type = WIRE_NET_SEND, .nth = 4, .size = 4});
}

static struct iovec piece(const char *bytes)
{
	return (struct iovec){.iov_base = (void *)bytes, .iov_len = strlen(bytes)};
}

static void act_messages(void *arg)
{
	struct end *to = arg;
	struct iovec one = piece("one"), three = piece("three");
	struct mmsghdr m[3] = {
		{.msg_hdr = {&to[0].a, to[0].len, &one, 1, NULL, 0, 0}},
		{.msg_hdr = {&to[1].a, to[1].len, &three, 1, NULL, 0, 0}},
		{.msg_hdr = {&to[0].a, to[0].len, &one, 1, NULL, 0, 0}},
	};
	int fd = (int)do_socket(AF_INET, SOCK_DGRAM, 0);
	int fd2 = (int)do_socket(AF_INET, SOCK_DGRAM, 0);

	tell(SYS_sendmsg, sendmsg(fd, &m[1].msg_hdr, 0), fd);
	tell(SYS_sendmmsg, sendmmsg(fd2, m, 3, 0), fd2);
}

static void each_far_end_of_many_messages_is_told(void **state)
{
	struct end to[2] = {closed_port(), closed_port()};

	fixture_need();
	net_run(act_messages, to);
	assert_counts(0, 0, 0, 0, 3, 0);
	assert_int_equal(tells->tell[0].ret, 5);
	assert_net(&tells->tell[0],
		   &(struct net_want){.type = WIRE_NET_SEND, .size = 5, .claim = &to[1]});
	assert_int_equal(tells->tell[1].ret, 3);
	assert_net(&tells->tell[1],
		   &(struct net_want){.type = WIRE_NET_SEND, .nth = 1, .size = 3, .claim = &to[0]});
	assert_net(&tells->tell[1],
		   &(struct net_want){.type = WIRE_NET_SEND, .nth = 2, .size = 5, .claim = &to[1]});
}

static void act_flood(void *arg)
{
	struct end *to = arg;
	int fd = (int)do_socket(AF_INET, SOCK_DGRAM, 0);

	for (unsigned i = 0; i < 500; i++)
		needs(sendto(fd, "x", 1, 0, (void *)&to->a, to->len) == 1);
}

static void datagrams_to_one_far_end_are_counted(void **state)
{
	struct end to = closed_port();

	fixture_need();
	net_run(act_flood, &to);
	assert_in_range(records_of(WIRE_NET_SEND), 1, (unsigned)sysconf(_SC_NPROCESSORS_CONF));
	assert_int_equal(calls_of(WIRE_NET_SEND), 500);
}

/* ---- unix sockets ---- */

static void act_unix(void *arg)
{
	const struct end *e = arg;
	int server = (int)do_socket(AF_UNIX, SOCK_STREAM, 0);
	int client = (int)do_socket(AF_UNIX, SOCK_STREAM, 0);

	needs(!do_bind(server, *e));
	needs(!do_listen(server, 2));
	needs(!do_connect(client, *e));
	needs(do_accept(server) >= 0);
}

static void assert_unix(struct net_want x)
{
	x.type = WIRE_NET_BIND;
	assert_net(&tells->tell[0], &x);
	x.type = WIRE_NET_LISTEN;
	x.backlog = 2;
	assert_net(&tells->tell[1], &x);
	x.type = WIRE_NET_CONNECT;
	x.backlog = 0;
	x.peer_pid = fixture.child;
	assert_net(&tells->tell[2], &x);
	x.type = WIRE_NET_ACCEPT; /* the client has no name: the own is told */
	assert_net(&tells->tell[3], &x);
}

static void a_unix_socket_tells_its_path(void **state)
{
	char *path = work_path("socket");
	struct end e = end_path(path);

	fixture_need();
	net_run(act_unix, &e);
	assert_counts(1, 1, 1, 1, 0, 0);
	assert_unix((struct net_want){.name = path, .name_len = strlen(path), .path = path});
}

static void a_unix_socket_tells_its_abstract_name(void **state)
{
	static const char name[] = "\0amber\0test";
	struct end e = end_unix(name, sizeof(name) - 1);

	fixture_need();
	net_run(act_unix, &e);
	assert_counts(1, 1, 1, 1, 0, 0);
	assert_unix((struct net_want){.name = name, .name_len = sizeof(name) - 1});
}

static int inherited; /* descriptor */

static void act_unix_other(void *arg)
{
	int client = (int)do_socket(AF_UNIX, SOCK_STREAM, 0);

	needs(!do_connect(client, *(const struct end *)arg));
	needs(do_accept(inherited) >= 0); /* the test's own connection comes first */
}

static void a_unix_connection_tells_the_process_at_the_far_end(void **state)
{
	char *path = work_path("socket"), *own = work_path("own");
	struct end e = end_path(path), client = end_path(own);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	fixture_need();
	inherited = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(inherited, (void *)&e.a, e.len), 0);
	assert_int_equal(listen(inherited, 4), 0);
	assert_int_equal(bind(fd, (void *)&client.a, client.len), 0);
	assert_int_equal(connect(fd, (void *)&e.a, e.len), 0);
	net_run(act_unix_other, &e);
	close(fd);
	close(inherited);
	assert_net(&tells->tell[0], &(struct net_want){.type = WIRE_NET_CONNECT,
						       .peer_pid = getpid(),
						       .name = path,
						       .name_len = strlen(path),
						       .path = path});
	assert_net(&tells->tell[1], &(struct net_want){.type = WIRE_NET_ACCEPT,
						       .peer_pid = getpid(),
						       .name = own,
						       .name_len = strlen(own),
						       .path = own});
}

static void act_unix_datagram(void *arg)
{
	const struct end *e = arg;
	int fd = (int)do_socket(AF_UNIX, SOCK_DGRAM, 0);
	struct end none = {.len = 0};

	(void)do_connect((int)do_socket(AF_UNIX, SOCK_STREAM, 0), e[1]);
	needs(do_sendto(fd, "123", 3, e[0]) == 3);
	needs(!do_connect(fd, e[0]));
	needs(do_sendto(fd, "1234", 4, none) == 4);
}

static void a_unix_datagram_tells_its_far_end(void **state)
{
	char *path = work_path("log"), *gone = work_path("gone");
	struct end e[2] = {end_path(path), end_path(gone)};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	fixture_need();
	e[1].len--; /* without its NUL, as some callers do */
	assert_int_equal(bind(fd, (void *)&e[0].a, e[0].len), 0);
	net_run(act_unix_datagram, e);
	close(fd);
	assert_counts(2, 0, 0, 0, 2, 0);
	assert_int_equal(tells->tell[0].ret, -ENOENT);
	assert_net(&tells->tell[0], &(struct net_want){.type = WIRE_NET_CONNECT,
						       .claim = &e[1],
						       .name = gone,
						       .name_len = strlen(gone),
						       .name_claim = 1});
	assert_net(&tells->tell[1], &(struct net_want){.type = WIRE_NET_SEND,
						       .size = 3,
						       .claim = &e[0],
						       .name = path,
						       .name_len = strlen(path),
						       .name_claim = 1});
	assert_net(&tells->tell[2], &(struct net_want){.type = WIRE_NET_CONNECT,
						       .nth = 1,
						       .name = path,
						       .name_len = strlen(path),
						       .path = path});
	assert_net(&tells->tell[3], &(struct net_want){.type = WIRE_NET_SEND,
						       .nth = 1,
						       .size = 4,
						       .name = path,
						       .name_len = strlen(path),
						       .path = path});
}

/* ---- raw and packet sockets ---- */

static int tell_socket(int family, int type, int protocol)
{
	int fd = socket(family, type, protocol);

	tell(SYS_socket, fd, fd);
	return fd;
}

static void act_raw(void *arg)
{
	struct icmphdr echo = {.type = ICMP_ECHO};
	int fd = tell_socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	echo.checksum = 0xfff7; /* of an echo of zeros */
	(void)do_sendto(fd, &echo, sizeof(echo), *(const struct end *)arg);
	(void)tell_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	(void)do_socket(AF_NETLINK, SOCK_RAW, 0); /* these two are not told */
	(void)do_socket(AF_INET, SOCK_STREAM, 0);
}

static void a_raw_socket_is_told_and_what_it_sends(void **state)
{
	struct end e = end4("127.0.0.1", 0);

	fixture_need();
	net_run(act_raw, &e);
	assert_counts(0, 0, 0, 0, 1, 2);
	assert_true(tells->tell[0].ret >= 0);
	assert_net(&tells->tell[0], &(struct net_want){.type = WIRE_NET_SOCKET});
	assert_int_equal(tells->tell[1].ret, 8);
	assert_net(&tells->tell[1],
		   &(struct net_want){.type = WIRE_NET_SEND, .size = 8, .claim = &e});
	assert_net(&tells->tell[2], &(struct net_want){.type = WIRE_NET_SOCKET, .nth = 1});
}

static void act_packet(void *arg)
{
	const struct end *e = arg;
	int fd = tell_socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ARP));

	needs(!do_bind(fd, e[0]));
	(void)do_sendto(fd, "123456", 6, e[1]);
}

static void a_packet_socket_tells_frames_and_interface(void **state)
{
	struct end e[2] = {{.len = sizeof(struct sockaddr_ll)},
			   {.len = sizeof(struct sockaddr_ll)}};
	struct sockaddr_ll *own = (void *)&e[0].a, *far = (void *)&e[1].a;

	fixture_need();
	own->sll_family = far->sll_family = AF_PACKET;
	own->sll_ifindex = far->sll_ifindex = (int)if_nametoindex("lo");
	own->sll_protocol = far->sll_protocol = htons(ETH_P_ARP);
	far->sll_halen = 6;
	memcpy(far->sll_addr, "\1\2\3\4\5\6", 6);
	net_run(act_packet, e);
	assert_counts(0, 0, 1, 0, 1, 1);
	assert_net(&tells->tell[0],
		   &(struct net_want){.type = WIRE_NET_SOCKET, .packet_protocol = ETH_P_ARP});
	assert_net(&tells->tell[1],
		   &(struct net_want){.type = WIRE_NET_BIND, .packet_protocol = ETH_P_ARP});
	assert_int_equal(tells->tell[2].ret, 6);
	assert_net(&tells->tell[2], &(struct net_want){.type = WIRE_NET_SEND,
						       .size = 6,
						       .claim = &e[1],
						       .packet_protocol = ETH_P_ARP});
}

static void act_raw_refused(void *arg)
{
	needs(!setresuid(65534, 65534, 65534));
	(void)tell_socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
	(void)tell_socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
}

static void a_refused_raw_socket_tells_what_was_asked(void **state)
{
	const struct wire_net *w;

	fixture_need();
	net_run(act_raw_refused, NULL);
	assert_counts(0, 0, 0, 0, 0, 2);
	w = fixture_nth(WIRE_NET_SOCKET, 0);
	assert_int_equal(w->head.ret, -EPERM);
	assert_int_equal(w->head.uid, 65534);
	assert_int_equal(w->head.syscall, SYS_socket);
	assert_int_equal(w->family, AF_INET);
	assert_int_equal(w->sock_type, SOCK_RAW);
	assert_int_equal(w->protocol, IPPROTO_TCP);
	assert_int_equal(w->fd, -1);
	assert_int_equal(w->sock_ino, 0);
	w = fixture_nth(WIRE_NET_SOCKET, 1);
	assert_int_equal(w->head.ret, -EPERM);
	assert_int_equal(w->family, AF_PACKET);
	assert_int_equal(w->sock_type, SOCK_RAW);
	assert_int_equal(w->protocol, ETH_P_ALL);
	assert_int_equal(w->fd, -1);
}

/* ---- 32-bit calls ---- */

/* What a 32-bit program has in its memory: the arguments of socketcall(2), struct msghdr. */
struct low {
	uint32_t arg[6], message[7], piece[2];
	char bytes[8];
	struct end to;
};

static long call32(long nr, long a, long b, long c)
{
	long r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "0"(nr), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

static uint32_t low_address(const void *p)
{
	return (uint32_t)(uintptr_t)p;
}

static void act_compat(void *arg)
{
	struct low *low = arg;
	int fd = (int)do_socket(AF_INET, SOCK_STREAM, 0),
	    udp = (int)do_socket(AF_INET, SOCK_DGRAM, 0);

	low->arg[0] = (uint32_t)fd;
	low->arg[1] = low_address(&low->to.a);
	low->arg[2] = low->to.len;
	tell(SYS_connect, call32(102, 3, low_address(low->arg), 0), fd);
	low->message[0] = low_address(&low->to.a);
	low->message[1] = low->to.len;
	low->message[2] = low_address(low->piece);
	low->message[3] = 1;
	low->piece[0] = low_address(low->bytes);
	low->piece[1] = 6;
	tell(SYS_sendmsg, call32(370, udp, low_address(low->message), 0), udp);
	/* A socket of its own: what a refused connect leaves in one differs between kernels. */
	fd = (int)do_socket(AF_INET, SOCK_STREAM, 0);
	tell(SYS_listen, call32(363, fd, 9, 0), fd);
}

static void socket_calls_of_32_bit_programs_are_decoded(void **state)
{
	struct low *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	fixture_need();
	assert_true(low != MAP_FAILED);
	low->to = closed_port();
	memset(tells, 0, sizeof(*tells));
	work.before_ns = work_boot_ns();
	fixture_run(act_compat, low);
	if (WIFSIGNALED(fixture.status) && WTERMSIG(fixture.status) == SIGSEGV) {
		print_message("skip: this kernel takes no 32-bit calls\n");
		skip();
	}
	assert_int_equal(fixture.status, 0);
	assert_counts(1, 0, 0, 1, 1, 0);
	assert_int_equal(tells->tell[0].ret, -ECONNREFUSED);
	assert_net(&tells->tell[0], &(struct net_want){.type = WIRE_NET_CONNECT,
						       .claim = &low->to,
						       .marks = WIRE_MARK_COMPAT});
	assert_int_equal(tells->tell[1].ret, 6);
	assert_net(&tells->tell[1], &(struct net_want){.type = WIRE_NET_SEND,
						       .size = 6,
						       .claim = &low->to,
						       .marks = WIRE_MARK_COMPAT});
	assert_net(&tells->tell[2], &(struct net_want){.type = WIRE_NET_LISTEN,
						       .backlog = 9,
						       .marks = WIRE_MARK_COMPAT});
	munmap(low, 4096);
}

static int net_probe_open(void **state)
{
	tells = mmap(NULL, sizeof(*tells), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	return tells == MAP_FAILED ? -1 : work_probe_open(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, work_open, work_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_tcp_connection_has_both_ends_on_both_sides),
		TEST(an_ipv6_connection_has_both_ends_on_both_sides),
		TEST(an_ipv4_peer_of_an_ipv6_socket_is_mapped),
		TEST(a_refused_connect_tells_what_was_asked),
		TEST(a_connect_under_way_has_both_ends),
		TEST(a_connection_opened_by_sending_is_a_connect),
		TEST(a_scan_is_seen_whole_and_its_repeats_are_counted),
		TEST(refused_calls_are_told),
		TEST(a_connect_to_another_machine_over_vsock_is_told),
		TEST(a_datagram_tells_its_far_end),
		TEST(each_far_end_of_many_messages_is_told),
		TEST(datagrams_to_one_far_end_are_counted),
		TEST(a_unix_socket_tells_its_path),
		TEST(a_unix_socket_tells_its_abstract_name),
		TEST(a_unix_connection_tells_the_process_at_the_far_end),
		TEST(a_unix_datagram_tells_its_far_end),
		TEST(a_raw_socket_is_told_and_what_it_sends),
		TEST(a_packet_socket_tells_frames_and_interface),
		TEST(a_refused_raw_socket_tells_what_was_asked),
		TEST(socket_calls_of_32_bit_programs_are_decoded),
	};

	return cmocka_run_group_tests_name("probe_net", tests, net_probe_open, work_probe_close);
}
