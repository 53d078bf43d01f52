// SPDX-License-Identifier: GPL-2.0
/* net_send.bpf.c - datagrams: sendto, sendmsg, sendmmsg on sockets without a connection, one
 * record for each socket, far end and window.  What goes over a connection is told by its connect
 * or accept.
 *
 * By far the most calls here are those of connections, so they leave after two reads. */
#include "net.bpf.h"

#define MSG_FASTOPEN 0x20000000 /* linux/socket.h */
#define MESSAGES_MAX 1024u	/* linux/uio.h, UIO_MAXIOV: more are not sent by one call */

/* struct msghdr and mmsghdr of 64-bit and 32-bit programs: only what is in use. */
struct message {
	u64 name;
	u32 name_len;
	u32 size; /* bytes that were sent */
};

#define MMSG_BYTES   64u
#define MMSG32_BYTES 32u

static __always_inline void message_read(struct message *m, u64 user, bool compat)
{
	u32 head32[2] = {};
	u64 head[2] = {};

	if (compat) {
		bpf_probe_read_user(head32, sizeof(head32), (void *)user);
		m->name = head32[0];
		m->name_len = head32[1];
		return;
	}
	bpf_probe_read_user(head, sizeof(head), (void *)user);
	m->name = head[0];
	m->name_len = head[1];
}

static __always_inline u64 far_end(const struct sock_facts *f)
{
	struct unix_sock *u = (void *)f->sk;
	u64 word[2];

	if (f->family == AF_UNIX && bpf_core_type_exists(struct unix_sock))
		return (u64)KREAD(u, peer);
	__builtin_memcpy(word, f->remote_addr, sizeof(word));
	return mix(mix(word[0], word[1]), f->remote_port);
}

static __always_inline int send_one(const struct call *c, const struct sock_facts *f,
				    const struct message *m)
{
	struct wire_net *w;
	struct said a;
	u64 id;

	said_read(m->name, m->name_len, &a);
	id = mix(f->ino, a.user ? a.hash : far_end(f));
	if (fold_check(WIRE_NET_SEND, mix(mix(id, c->nr), c->ret < 0 ? c->ret : 0)))
		return 0;
	w = net_begin(WIRE_NET_SEND, c, c->arg[0], f);
	if (!w)
		return 0;
	w->size = m->size;
	if (a.user)
		said_remote(w, &a);
	else if (f->family == AF_UNIX)
		w->peer_pid = put_unix(f->sk, 0);
	return rec_end();
}

/* sendto that opens a connection and sends with it (TCP fast open). */
static __always_inline int send_connect(const struct call *c, struct sock_facts *f)
{
	struct wire_net *w;
	struct said a;

	sock_read(c->arg[0], f);
	said_read(c->arg[4], c->arg[5], &a);
	if (!a.user || !f->sk)
		return 0;
	if (c->ret < 0 && fold_check(WIRE_NET_CONNECT, mix(mix(a.hash, c->ret), f->type)))
		return 0;
	w = net_begin(WIRE_NET_CONNECT, c, c->arg[0], f);
	if (!w)
		return 0;
	if (!f->remote_port)
		said_remote(w, &a);
	return rec_end();
}

/* Whether a descriptor is a socket without a connection; all is read only of those. */
static __always_inline bool is_datagram(s32 fd, struct sock_facts *f)
{
	struct file *file = (void *)fd_file(fd);
	struct socket *so;
	u16 type;

	if (!file)
		return false;
	so = KREAD(file, private_data);
	type = KREAD(so, type);
	if (type == SOCK_STREAM || type == SOCK_SEQPACKET)
		return false;
	sock_read(fd, f);
	return f->sk && f->family != AF_NETLINK;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sendto, struct pt_regs *regs, long ret)
{
	struct sock_facts f = {};
	struct message m = {};
	struct call c;

	net_call_read(&c, regs, ret);
	if (c.arg[3] & MSG_FASTOPEN)
		return send_connect(&c, &f);
	if (!is_datagram(c.arg[0], &f))
		return 0;
	m.name = c.arg[4];
	m.name_len = c.arg[5];
	m.size = c.ret < 0 ? c.arg[2] : c.ret;
	return send_one(&c, &f, &m);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sendmsg, struct pt_regs *regs, long ret)
{
	struct sock_facts f = {};
	struct message m = {};
	struct call c;

	net_call_read(&c, regs, ret);
	if (!is_datagram(c.arg[0], &f))
		return 0;
	message_read(&m, c.arg[1], c.compat);
	m.size = c.ret < 0 ? 0 : c.ret;
	return send_one(&c, &f, &m);
}

struct messages {
	struct call call;
	struct sock_facts facts;
};

static long messages_step(u32 i, void *ctx)
{
	struct messages *all = ctx;
	bool compat = all->call.compat;
	u32 bytes = compat ? MMSG32_BYTES : MMSG_BYTES;
	u64 user = all->call.arg[1] + (u64)i * bytes;
	struct scratch *s = scratch_get();
	struct message m = {};

	if (!s)
		return 1;
	s->count = 1;
	s->fold_mode = FOLD_OFF;
	message_read(&m, user, compat);
	if (all->call.ret >= 0)
		bpf_probe_read_user(&m.size, sizeof(m.size),
				    (void *)(user + bytes - (compat ? 4 : 8)));
	send_one(&all->call, &all->facts, &m);
	return 0;
}

/* One record for each message that went to another far end. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_sendmmsg, struct pt_regs *regs, long ret)
{
	struct messages all = {};
	u32 n = 1;

	net_call_read(&all.call, regs, ret);
	if (!is_datagram(all.call.arg[0], &all.facts))
		return 0;
	if (all.call.ret >= 0)
		n = all.call.ret;
	bpf_loop(n < MESSAGES_MAX ? n : MESSAGES_MAX, messages_step, &all, 0);
	return 0;
}
