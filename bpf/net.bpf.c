// SPDX-License-Identifier: GPL-2.0
/* net.bpf.c - sockets: connect, accept, bind, listen, and the making of raw ones.  What net.bpf.h
 * declares is here too; sending is net_send.bpf.c. */
#include "net.bpf.h"

/* The handlers of core.bpf.c: one map. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, WIRE_CALL_MAX);
	__type(key, u32);
	__type(value, u32);
} handlers __weak SEC(".maps");

/* ---- facts ---- */

/* A packet socket: the kind of frames instead of a protocol, and the number of its interface. */
static __always_inline void packet_facts(struct packet_sock *ps, struct sock_facts *f)
{
	u32 index;

	if (!bpf_core_type_exists(struct packet_sock))
		return;
	index = KREAD(ps, ifindex);
	f->protocol = from_network(KREAD(ps, num));
	__builtin_memcpy(f->local_addr, &index, sizeof(index));
}

static __always_inline void vsock_facts(struct vsock_sock *vs, struct sock_facts *f)
{
	u32 local[2], remote[2];

	if (!bpf_core_type_exists(struct vsock_sock))
		return;
	local[0] = KREAD(vs, local_addr.svm_cid);
	local[1] = KREAD(vs, local_addr.svm_port);
	remote[0] = KREAD(vs, remote_addr.svm_cid);
	remote[1] = KREAD(vs, remote_addr.svm_port);
	__builtin_memcpy(f->local_addr, local, sizeof(local));
	__builtin_memcpy(f->remote_addr, remote, sizeof(remote));
}

static __always_inline void inet_facts(struct sock_common *sk, const struct sock_part *p,
				       struct sock_facts *f)
{
	struct in6_addr a;
	u32 v4;

	if (f->family == AF_INET) {
		v4 = FIELD(*p, sk, struct sock_common, skc_rcv_saddr);
		__builtin_memcpy(f->local_addr, &v4, 4);
		v4 = FIELD(*p, sk, struct sock_common, skc_daddr);
		__builtin_memcpy(f->remote_addr, &v4, 4);
	} else {
		a = FIELD(*p, sk, struct sock_common, skc_v6_rcv_saddr);
		__builtin_memcpy(f->local_addr, &a, 16);
		a = FIELD(*p, sk, struct sock_common, skc_v6_daddr);
		__builtin_memcpy(f->remote_addr, &a, 16);
	}
	if (f->type == SOCK_RAW) /* the numbers are the protocol there */
		return;
	f->local_port = FIELD(*p, sk, struct sock_common, skc_num);
	if (!f->local_port) /* given back, as by a refused connect: what it was */
		f->local_port = from_network(KREAD((struct inet_sock *)sk, inet_sport));
	f->remote_port = from_network(FIELD(*p, sk, struct sock_common, skc_dport));
}

/* One after the other: Linux 6.1 has 512 bytes of stack for a whole chain of calls. */
union sock_room {
	struct file_part file;
	struct inode_part inode;
	struct sock_part sock;
};

int sock_read(s32 fd, struct sock_facts *f)
{
	union sock_room p = {};
	struct inode *inode;
	struct file *file;
	struct socket *so;
	struct sock *sk;

	file = (void *)fd_file(fd);
	if (!f || !file)
		return 0;
	bpf_probe_read_kernel(&p.file, sizeof(p.file), file);
	inode = FIELD(p.file, file, struct file, f_inode);
	so = FIELD(p.file, file, struct file, private_data);
	bpf_probe_read_kernel(&p.inode, sizeof(p.inode), inode);
	if ((FIELD(p.inode, inode, struct inode, i_mode) & S_IFMT) != S_IFSOCK || !so)
		return 0;
	sk = KREAD(so, sk);
	if (!sk)
		return 0;
	f->sk = (u64)sk;
	f->ino = FIELD(p.inode, inode, struct inode, i_ino);
	bpf_probe_read_kernel(&p.sock, sizeof(p.sock), sk);
	f->family = FIELD(p.sock, (struct sock_common *)sk, struct sock_common, skc_family);
	f->type = KREAD(sk, sk_type);
	f->protocol = KREAD(sk, sk_protocol);
	if (f->family == AF_INET || f->family == AF_INET6)
		inet_facts((void *)sk, &p.sock, f);
	else if (f->family == AF_PACKET)
		packet_facts((void *)sk, f);
	else if (f->family == AF_VSOCK)
		vsock_facts((void *)sk, f);
	return 0;
}

/* ---- claims ---- */

static __always_inline u64 said_hash(const u64 *raw, u32 words)
{
	u64 hash = 0;

	for (u32 i = 0; i < words; i++)
		hash = mix(hash, raw[i]);
	return hash;
}

/* Reads a struct sockaddr_in, _in6, _ll, _vm: the layouts of include/uapi/linux. */
static __always_inline void said_parse(struct said *a, const u8 *raw)
{
	u16 port;

	__builtin_memcpy(&port, raw + 2, sizeof(port));
	switch (a->family) {
	case AF_INET:
		a->port = from_network(port);
		__builtin_memcpy(a->addr, raw + 4, 4);
		break;
	case AF_INET6:
		a->port = from_network(port);
		__builtin_memcpy(a->addr, raw + 8, 16);
		break;
	case AF_PACKET: /* the interface, then the hardware address */
		__builtin_memcpy(a->addr, raw + 4, 4);
		__builtin_memcpy(a->addr + 4, raw + 12, 8);
		break;
	case AF_VSOCK: /* the number of the machine, then the port, which has 32 bits */
		__builtin_memcpy(a->addr, raw + 8, 4);
		__builtin_memcpy(a->addr + 4, raw + 4, 4);
		break;
	}
}

int said_read(u64 user, u32 len, struct said *a)
{
	u64 raw[14] = {}; /* sizeof(struct sockaddr_un) and two bytes */
	u64 addr[2];

	if (!a)
		return 0;
	__builtin_memset(a, 0, sizeof(*a));
	if (!user || len < 2)
		return 0;
	if (len > 110)
		len = 110;
	if (bpf_probe_read_user(raw, len, (void *)user))
		return 0;
	a->user = user;
	a->len = len;
	a->family = raw[0];
	if (a->family == AF_UNIX) {
		/* what stands behind the end of a path is not looked at */
		if ((raw[0] >> 16) & 0xff) {
			__builtin_memset(raw, 0, sizeof(raw));
			bpf_probe_read_user_str((u8 *)raw + 2, len - 1, (void *)(user + 2));
		}
		a->hash = said_hash(raw, 14);
		return 0;
	}
	said_parse(a, (const u8 *)raw);
	__builtin_memcpy(addr, a->addr, sizeof(addr));
	a->hash = mix(mix(said_hash(addr, 2), a->port), a->family);
	return 0;
}

/* ---- names of unix sockets ---- */

/* Adds `len` bytes (at most 108) that stand behind the header's place already. */
static __always_inline void sun_close(struct scratch *s, u32 off, u32 len, u32 flags)
{
	struct wire_text *t = (struct wire_text *)(s->data + off);

	t->len = len;
	t->slot = WIRE_TEXT_SOCKET;
	t->flags = flags;
	s->off = off + sizeof(*t) + len;
}

#define SUN_OFF_MAX (WIRE_REC_MAX - 256u)

int put_said_unix(u64 user, u32 len)
{
	struct scratch *s = scratch_get();
	u8 first = 0, *to;
	u32 off;
	long n;

	if (!s || len <= 2 || len > 110)
		return 0;
	bpf_probe_read_user(&first, 1, (void *)(user + 2));
	off = s->off;
	barrier_var(off); /* the verifier of 6.1 wants these bounds on the very registers */
	barrier_var(len);
	if (off > SUN_OFF_MAX || len <= 2 || len > 110)
		return 0;
	to = s->data + off + sizeof(struct wire_text);
	if (first) {
		n = bpf_probe_read_user_str(to, len - 1, (void *)(user + 2));
		n = n > 0 ? n - 1 : n;
	} else {
		n = bpf_probe_read_user(to, len - 2, (void *)(user + 2));
		n = n ? n : len - 2;
	}
	if (n >= 0 && n <= 108)
		sun_close(s, off, n, WIRE_TEXT_CLAIM);
	return 0;
}

/* The name of a bound unix socket; false when it has none. */
static __always_inline bool put_sun(struct unix_sock *u)
{
	struct scratch *s = scratch_get();
	struct unix_address *a = KREAD(u, addr);
	void *name;
	u8 first = 0;
	u32 off, len;

	if (!a || !s)
		return false;
	len = KREAD(a, len) - sizeof(u16);
	name = (void *)a + bpf_core_field_offset(struct unix_address, name) +
	       bpf_core_field_offset(struct sockaddr_un, sun_path);
	bpf_probe_read_kernel(&first, 1, name);
	if (first) {
		put_kernel(WIRE_TEXT_SOCKET, (u64)name);
		put_path(WIRE_TEXT_PATH, (u64)KREAD(u, path.dentry), (u64)KREAD(u, path.mnt));
		return true;
	}
	off = s->off;
	if (off > SUN_OFF_MAX || !len || len > 108)
		return false;
	bpf_probe_read_kernel(s->data + off + sizeof(struct wire_text), len, name);
	sun_close(s, off, len, 0);
	return true;
}

int put_unix(u64 sk, u32 own)
{
	struct unix_sock *u = (void *)sk, *peer;
	struct pid *pid;

	if (!bpf_core_type_exists(struct unix_sock) || !sk)
		return 0;
	peer = (void *)KREAD(u, peer);
	if (own || !peer || !put_sun(peer))
		put_sun(u);
	pid = KREAD((struct sock *)sk, sk_peer_pid);
	return peer && pid ? pid_number(pid, 0) : 0;
}

/* ---- calls ---- */

/* 32-bit: goes on to the handler of the call that is meant. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_socketcall, struct pt_regs *regs, long ret)
{
	u32 nr;

	if (!task_is_compat(bpf_get_current_task_btf()))
		return 0;
	nr = socketcall_native(regs->bx);
	if (nr)
		bpf_tail_call(ctx, &handlers, nr);
	return 0;
}

/* Whether the socket has the far end that the call asked for. */
static __always_inline bool is_under_way(s64 ret)
{
	return ret >= 0 || ret == -EINPROGRESS || ret == -EALREADY || ret <= -ERESTARTSYS;
}

static __always_inline bool has_far_end(const struct sock_facts *f)
{
	struct unix_sock *u = (void *)f->sk;
	u64 addr[2];

	if (f->family == AF_UNIX && bpf_core_type_exists(struct unix_sock))
		return KREAD(u, peer) != NULL;
	__builtin_memcpy(addr, f->remote_addr, sizeof(addr));
	return f->remote_port || addr[0] || addr[1];
}

/* A connection that was made differs from all others by its socket and is not looked up among the
 * repeats. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_connect, struct pt_regs *regs, long ret)
{
	struct sock_facts f = {};
	struct said a = {};
	struct wire_net *w;
	struct call c;
	bool kernel;

	net_call_read(&c, regs, ret);
	sock_read(c.arg[0], &f);
	if (f.family == AF_NETLINK)
		return 0;
	kernel = is_under_way(c.ret) && has_far_end(&f);
	if (!kernel)
		said_read(c.arg[1], c.arg[2], &a);
	/* AF_UNSPEC takes the far end of a datagram socket away */
	if (c.ret >= 0 && a.user && a.family == AF_UNSPEC)
		return 0;
	if (c.ret < 0 &&
	    fold_check(WIRE_NET_CONNECT, mix(mix(kernel ? f.ino : a.hash, c.ret), f.type)))
		return 0;
	w = net_begin(WIRE_NET_CONNECT, &c, c.arg[0], &f);
	if (!w)
		return 0;
	if (!kernel)
		said_remote(w, &a);
	else if (f.family == AF_UNIX)
		w->peer_pid = put_unix(f.sk, 0);
	return rec_end();
}

/* accept, accept4.  That there was nothing to accept is not told. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_accept, struct pt_regs *regs, long ret)
{
	struct sock_facts f = {};
	struct wire_net *w;
	struct call c;
	s32 fd;

	net_call_read(&c, regs, ret);
	if (c.ret == -EAGAIN || c.ret <= -ERESTARTSYS)
		return 0;
	fd = c.ret < 0 ? c.arg[0] : c.ret;
	sock_read(fd, &f);
	if (c.ret < 0 && fold_check(WIRE_NET_ACCEPT, mix(mix(f.ino, c.ret), fd)))
		return 0;
	w = net_begin(WIRE_NET_ACCEPT, &c, fd, &f);
	if (!w)
		return 0;
	if (f.family == AF_UNIX)
		w->peer_pid = put_unix(f.sk, c.ret < 0);
	return rec_end();
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_bind, struct pt_regs *regs, long ret)
{
	struct sock_facts f = {};
	struct wire_net *w;
	struct said a;
	struct call c;

	net_call_read(&c, regs, ret);
	sock_read(c.arg[0], &f);
	if (f.family == AF_NETLINK)
		return 0;
	said_read(c.arg[1], c.arg[2], &a);
	if (fold_check(WIRE_NET_BIND, mix(mix(a.hash, c.ret), c.ret < 0 ? f.type : f.ino)))
		return 0;
	w = net_begin(WIRE_NET_BIND, &c, c.arg[0], &f);
	if (!w)
		return 0;
	if (c.ret < 0)
		said_local(w, &a);
	else if (f.family == AF_UNIX)
		put_unix(f.sk, 1);
	return rec_end();
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_listen, struct pt_regs *regs, long ret)
{
	struct sock_facts f = {};
	struct wire_net *w;
	struct call c;

	net_call_read(&c, regs, ret);
	sock_read(c.arg[0], &f);
	if (fold_check(WIRE_NET_LISTEN, mix(mix(f.ino, c.ret), mix(c.arg[0], c.arg[1]))))
		return 0;
	w = net_begin(WIRE_NET_LISTEN, &c, c.arg[0], &f);
	if (!w)
		return 0;
	w->backlog = c.arg[1];
	if (f.family == AF_UNIX)
		put_unix(f.sk, 1);
	return rec_end();
}

/* socket: those that see or forge packets. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_socket, struct pt_regs *regs, long ret)
{
	struct sock_facts f = {};
	struct wire_net *w;
	struct call c;
	u32 family, type;

	net_call_read(&c, regs, ret);
	family = c.arg[0];
	type = c.arg[1] & SOCK_TYPE_MASK;
	if (family == AF_NETLINK)
		return 0;
	if (family != AF_PACKET && type != SOCK_RAW && type != SOCK_PACKET)
		return 0;
	if (c.ret >= 0)
		sock_read(c.ret, &f);
	if (!f.sk) {
		f.family = family;
		f.type = type;
		f.protocol = family == AF_PACKET ? from_network(c.arg[2]) : c.arg[2];
	}
	if (c.ret < 0 && fold_check(WIRE_NET_SOCKET, mix(mix(family, type), mix(c.arg[2], c.ret))))
		return 0;
	w = net_begin(WIRE_NET_SOCKET, &c, c.ret < 0 ? -1 : c.ret, &f);
	return w ? rec_end() : 0;
}
