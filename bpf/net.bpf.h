/* SPDX-License-Identifier: GPL-2.0 */
/* net.bpf.h - what the programs for sockets share: both ends of a socket, and the address that a
 * caller names.
 *
 * Ends come from the struct sock behind the descriptor, at the end of the call.  Where the kernel
 * has none (a refused connect, a datagram to an address of its own) the address that the caller
 * gave is told, as a claim: its memory may have changed since the kernel looked. */
#ifndef AMBER_BPF_NET_H
#define AMBER_BPF_NET_H

#include "core.bpf.h"

#define AF_UNSPEC      0 /* linux/socket.h */
#define AF_UNIX	       1
#define AF_INET	       2
#define AF_INET6       10
#define AF_NETLINK     16
#define AF_PACKET      17
#define AF_VSOCK       40
#define SOCK_STREAM    1 /* linux/net.h */
#define SOCK_RAW       3
#define SOCK_SEQPACKET 5
#define SOCK_PACKET    10
#define SOCK_TYPE_MASK 0xf

#define EAGAIN	    11 /* asm-generic/errno.h */
#define ENOTSOCK    88
#define EALREADY    114
#define EINPROGRESS 115
#define ERESTARTSYS                                                                   \
	512 /* linux/errno.h: it and those behind it; the call is made again or EINTR \
	     */

#define NR_connect  42 /* asm/unistd_64.h */
#define NR_accept   43
#define NR_sendto   44
#define NR_sendmsg  46
#define NR_bind	    49
#define NR_listen   50
#define NR_socket   41
#define NR_accept4  288
#define NR_sendmmsg 307

#define NR32_socketcall 102 /* asm/unistd_32.h */

struct in6_addr {
	u8 bytes[16];
};

struct sock_common {
	u32 skc_daddr, skc_rcv_saddr;
	u16 skc_dport, skc_num;
	u16 skc_family;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
} KERNEL_TYPE;

struct sock {
	struct sock_common __sk_common;
	u16 sk_type, sk_protocol;
	struct pid *sk_peer_pid;
} KERNEL_TYPE;

struct socket {
	short type;
	struct sock *sk;
} KERNEL_TYPE;

struct sockaddr_un {
	u16 sun_family;
	char sun_path[108];
} KERNEL_TYPE;

struct unix_address {
	int len;
	struct sockaddr_un name[1];
} KERNEL_TYPE;

struct unix_sock {
	struct unix_address *addr;
	struct path path;
	struct sock *peer;
} KERNEL_TYPE;

struct inet_sock {
	u16 inet_sport;
} KERNEL_TYPE;

struct sockaddr_vm {
	u32 svm_port, svm_cid;
} KERNEL_TYPE;

struct vsock_sock {
	struct sockaddr_vm local_addr, remote_addr;
} KERNEL_TYPE;

struct packet_sock {
	int ifindex;
	u16 num;
} KERNEL_TYPE;

/* The part of a struct sock that has the addresses. */
struct sock_part {
	u64 word[12];
};

/* One socket as the kernel has it. */
struct sock_facts {
	u64 sk; /* 0: the descriptor is no socket */
	u64 ino;
	u8 local_addr[16], remote_addr[16];
	u16 local_port, remote_port;
	u16 family, type, protocol;
	u16 pad[3];
};

/* A struct sockaddr of the caller. */
struct said {
	u64 user; /* 0: none */
	u32 len;
	u16 family, port;
	u8 addr[16];
	u64 hash; /* tells it from others */
};

/* All zero when `fd` is no socket.  Returns 0. */
extern int sock_read(s32 fd, struct sock_facts *f);

/* Reads what the caller gave; `len` is its length.  Returns 0. */
extern int said_read(u64 user, u32 len, struct said *a);

/* Adds the name of a unix socket, and its path when it is bound to one: of the far end, or of
 * this one when `own` is set or the far end has no name.  Returns the far end's pid, 0 when it is
 * not known. */
extern int put_unix(u64 sk, u32 own);

/* Adds the name that the caller gave a unix socket. */
extern int put_said_unix(u64 user, u32 len);

static __always_inline u16 from_network(u16 port)
{
	return __builtin_bswap16(port);
}

/* The native form of a 32-bit socketcall(2); 0 for those of no interest. */
static __always_inline u32 socketcall_native(u32 call)
{
	switch (call) { /* linux/net.h, SYS_* */
	case 1:
		return NR_socket;
	case 2:
		return NR_bind;
	case 3:
		return NR_connect;
	case 4:
		return NR_listen;
	case 5:
		return NR_accept;
	case 9: /* send: sendto without an address */
	case 11:
		return NR_sendto;
	case 16:
		return NR_sendmsg;
	case 18:
		return NR_accept4;
	case 20:
		return NR_sendmmsg;
	}
	return 0;
}

static __always_inline u32 socketcall_args(u32 call)
{
	if (call == 11)
		return 6;
	if (call == 9 || call == 18 || call == 20)
		return 4;
	return call == 4 ? 2 : 3;
}

/* call_read, of socketcall(2) too, whose arguments stand in memory. */
static __always_inline void net_call_read(struct call *c, struct pt_regs *regs, long ret)
{
	u32 arg[6] = {};
	u32 call;

	call_read(c, regs, ret);
	if (!c->compat || regs->orig_ax != NR32_socketcall)
		return;
	call = c->arg[0];
	bpf_probe_read_user(arg, socketcall_args(call) * 4, (void *)c->arg[1]);
	c->nr = socketcall_native(call);
	for (u32 i = 0; i < 6; i++)
		c->arg[i] = arg[i];
}

/* Begins a record with what the kernel has. */
static __always_inline struct wire_net *net_begin(u32 type, const struct call *c, s32 fd,
						  const struct sock_facts *f)
{
	struct wire_net *w = rec_begin(type, sizeof(*w), c->ret);

	if (!w)
		return NULL;
	w->head.syscall = c->nr;
	w->fd = fd;
	w->sock_ino = f->ino;
	__builtin_memcpy(w->local_addr, f->local_addr, 16);
	__builtin_memcpy(w->remote_addr, f->remote_addr, 16);
	w->local_port = f->local_port;
	w->remote_port = f->remote_port;
	w->family = f->family;
	w->sock_type = f->type;
	w->protocol = f->protocol;
	return w;
}

/* Puts an address of the caller into one end; an IPv4 one of an IPv6 socket as the kernel maps it.
 */
static __always_inline void said_put(struct wire_net *w, const struct said *a, u8 *addr, u16 *port)
{
	w->net_flags |= WIRE_NET_CLAIM;
	w->head.marks |= WIRE_MARK_CLAIM;
	*port = w->sock_type == SOCK_RAW ? 0 : a->port;
	if (!w->family)
		w->family = a->family;
	if (w->family == AF_INET6 && a->family == AF_INET) {
		__builtin_memset(addr, 0, 10);
		addr[10] = addr[11] = 0xff;
		__builtin_memcpy(addr + 12, a->addr, 4);
		return;
	}
	__builtin_memcpy(addr, a->addr, 16);
}

static __always_inline void said_remote(struct wire_net *w, const struct said *a)
{
	said_put(w, a, w->remote_addr, &w->remote_port);
	if (a->family == AF_UNIX)
		put_said_unix(a->user, a->len);
}

static __always_inline void said_local(struct wire_net *w, const struct said *a)
{
	said_put(w, a, w->local_addr, &w->local_port);
	if (a->family == AF_UNIX)
		put_said_unix(a->user, a->len);
}

#endif
