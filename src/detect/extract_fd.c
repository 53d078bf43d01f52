/* extract_fd.c - fd.*: the file or socket that the event is about. */
#include "detect/extract_impl.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "base/path.h"
#include "detect/names.h"

enum fd_kind {
	FD_NO, /* the event has no descriptor */
	FD_FILE,
	FD_SOCKET,
};

static enum fd_kind kind_of(const struct detect_event *event)
{
	enum event_type type = event->ev->type;

	if (type == EVENT_FILE_OPEN)
		return FD_FILE;
	if (type >= EVENT_FILE_CHMOD && type <= EVENT_FILE_SETXATTR && event_has(event, FIELD_FD))
		return event_i64(event, FIELD_FD) >= 0 ? FD_FILE : FD_NO;
	return type >= EVENT_NET_CONNECT && type <= EVENT_NET_SOCKET ? FD_SOCKET : FD_NO;
}

static bool is_file(const struct detect_event *event)
{
	return kind_of(event) == FD_FILE;
}

static bool is_socket(const struct detect_event *event)
{
	return kind_of(event) == FD_SOCKET;
}

static bool is_inet(const struct detect_event *event)
{
	uint64_t family = is_socket(event) ? event_u64(event, FIELD_FAMILY) : AF_UNSPEC;

	return family == AF_INET || family == AF_INET6;
}

static bool is_server(const struct detect_event *event)
{
	enum event_type type = event->ev->type;

	return type == EVENT_NET_ACCEPT || type == EVENT_NET_BIND || type == EVENT_NET_LISTEN;
}

/* A listening socket has one end only. */
static bool has_one_end(const struct detect_event *event)
{
	return event->ev->type == EVENT_NET_BIND || event->ev->type == EVENT_NET_LISTEN;
}

struct end {
	enum event_field addr, port;
};

static const struct end local_end = {FIELD_LOCAL_ADDR, FIELD_LOCAL_PORT};
static const struct end remote_end = {FIELD_REMOTE_ADDR, FIELD_REMOTE_PORT};

static struct detect_value end_addr(const struct detect_event *event, struct end end)
{
	if (!is_inet(event) || (has_one_end(event) && end.addr == FIELD_REMOTE_ADDR))
		return detect_none();
	return detect_addr(event_bytes(event, end.addr));
}

static struct detect_value end_port(const struct detect_event *event, struct end end)
{
	struct detect_value addr = end_addr(event, end);

	return addr.kind == DETECT_ADDR ? detect_u64(event_u64(event, end.port)) : addr;
}

static struct end client_end(const struct detect_event *event)
{
	return is_server(event) ? remote_end : local_end;
}

static struct end server_end(const struct detect_event *event)
{
	return is_server(event) ? local_end : remote_end;
}

READER(num)
{
	if (!event_has(event, FIELD_FD) ||
	    (event->ev->type != EVENT_FILE_OPEN && event_i64(event, FIELD_FD) < 0))
		return detect_none();
	return detect_i64(event_i64(event, FIELD_FD));
}

/* The kernel keeps O_DIRECTORY, and closes a name with it only where it is a folder. */
static bool is_folder(const struct detect_event *event)
{
	bool whole;

	return event->ev->type == EVENT_FILE_OPEN &&
	       (extract_open_flags(event, &whole) & O_DIRECTORY);
}

static bool is_memfd(const struct detect_event *event)
{
	return event_u64(event, FIELD_FILE_FLAGS) & FILE_FLAG_MEMFD;
}

/* An IPv4 address in an IPv6 socket is IPv4, as Falco has it. */
static bool is_ipv6(const struct detect_event *event)
{
	struct detect_value addr = end_addr(event, server_end(event));

	if (addr.kind != DETECT_ADDR)
		addr = end_addr(event, client_end(event));
	return addr.kind == DETECT_ADDR ? addr.bytes.n == 16
					: event_u64(event, FIELD_FAMILY) == AF_INET6;
}

struct fd_type {
	const char *name, *letter;
};

static const struct fd_type *type_of(const struct detect_event *event)
{
	static const struct fd_type file = {"file", "f"}, folder = {"directory", "d"},
				    memfd = {"memfd", "m"}, ipv4 = {"ipv4", "4"},
				    ipv6 = {"ipv6", "6"}, local = {"unix", "u"},
				    netlink = {"netlink", "n"};

	if (is_file(event))
		return is_folder(event) ? &folder : is_memfd(event) ? &memfd : &file;
	if (is_inet(event))
		return is_ipv6(event) ? &ipv6 : &ipv4;
	if (!is_socket(event))
		return NULL;
	if (event_u64(event, FIELD_FAMILY) == AF_UNIX)
		return &local;
	return event_u64(event, FIELD_FAMILY) == AF_NETLINK ? &netlink : NULL;
}

READER(type)
{
	const struct fd_type *type = type_of(event);

	return type ? detect_text(span_of(type->name)) : detect_none();
}

READER(typechar)
{
	const struct fd_type *type = type_of(event);

	return type ? detect_text(span_of(type->letter)) : detect_none();
}

READER(types)
{
	struct detect_value *item = detect_room_items(event->scratch, 1);

	if (!item)
		return detect_absent();
	*item = type(field, event);
	return item->kind == DETECT_TEXT ? detect_several(DETECT_LIST, item, 1) : *item;
}

/* "10.0.0.1:80" to room; false when the end is not known. */
static bool print_end(const struct detect_event *event, struct end end, char room[64])
{
	struct detect_value addr = end_addr(event, end);
	char text[INET6_ADDRSTRLEN];

	if (addr.kind != DETECT_ADDR ||
	    !inet_ntop(addr.bytes.n == 4 ? AF_INET : AF_INET6, addr.bytes.p, text, sizeof(text)))
		return false;
	(void)snprintf(room, 64, "%s:%u", text, (unsigned)event_u64(event, end.port)); /* fits */
	return true;
}

static struct detect_value socket_name(const struct detect_event *event)
{
	char from[64], to[64];
	bool has_client = print_end(event, client_end(event), from);
	bool has_server = print_end(event, server_end(event), to);

	if (!is_inet(event))
		return event_u64(event, FIELD_FAMILY) == AF_UNIX ? event_text(event, FIELD_PATH)
								 : detect_none();
	if (has_client && has_server)
		return detect_print(event->scratch, "%s->%s", from, to);
	if (has_server)
		return detect_print(event->scratch, has_one_end(event) ? "%s" : "->%s", to);
	return has_client ? detect_print(event->scratch, "%s->", from) : detect_absent();
}

READER(name)
{
	if (is_file(event))
		return event_text(event, FIELD_PATH);
	return is_socket(event) ? socket_name(event) : detect_none();
}

READER(directory)
{
	struct detect_value path = is_file(event) ? event_text(event, FIELD_PATH) : detect_none();
	const uint8_t *slash;

	if (path.kind != DETECT_TEXT || is_folder(event))
		return path;
	slash = memrchr(path.bytes.p, '/', path.bytes.n);
	if (!slash)
		return detect_absent(); /* relative to an unknown place */
	path.bytes.n = slash == path.bytes.p ? 1 : (size_t)(slash - path.bytes.p);
	return path;
}

READER(filename)
{
	struct detect_value path = is_file(event) ? event_text(event, FIELD_PATH) : detect_none();

	if (path.kind == DETECT_TEXT)
		path.bytes = path_base(path.bytes);
	return path;
}

READER(client_ip)
{
	return end_addr(event, client_end(event));
}

READER(server_ip)
{
	return end_addr(event, server_end(event));
}

READER(local_ip)
{
	return end_addr(event, local_end);
}

READER(remote_ip)
{
	return end_addr(event, remote_end);
}

READER(client_port)
{
	return end_port(event, client_end(event));
}

READER(server_port)
{
	return end_port(event, server_end(event));
}

READER(local_port)
{
	return end_port(event, local_end);
}

READER(remote_port)
{
	return end_port(event, remote_end);
}

/* Both ends; open when one of two is not known. */
static struct detect_value either(const struct detect_event *event,
				  struct detect_value (*read)(const struct detect_event *,
							      struct end))
{
	struct detect_value *items = detect_room_items(event->scratch, 2);
	struct detect_value made, ends[2] = {read(event, local_end), read(event, remote_end)};
	size_t n = 0;
	bool open = false;

	if (!items)
		return detect_absent();
	if (!is_inet(event))
		return detect_none();
	for (unsigned i = 0; i < 2; i++) {
		if (!detect_is_missing(&ends[i]))
			items[n++] = ends[i];
		open = open || ends[i].kind == DETECT_ABSENT;
	}
	made = detect_several(DETECT_EITHER, items, n);
	made.open = open;
	return n ? made : detect_absent();
}

READER(any_ip)
{
	return either(event, end_addr);
}

READER(any_port)
{
	return either(event, end_port);
}

READER(l4proto)
{
	uint64_t type = is_inet(event) ? event_u64(event, FIELD_SOCK_TYPE) : 0;

	if (!is_inet(event))
		return detect_none();
	switch (event_u64(event, FIELD_PROTOCOL)) {
	case IPPROTO_TCP:
		return detect_text(span_of("tcp"));
	case IPPROTO_UDP:
		return detect_text(span_of("udp"));
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return detect_text(span_of("icmp"));
	default:
		break;
	}
	if (type == SOCK_STREAM || type == SOCK_DGRAM)
		return detect_text(span_of(type == SOCK_STREAM ? "tcp" : "udp"));
	return type == SOCK_RAW ? detect_text(span_of("raw")) : detect_absent();
}

READER(sockfamily)
{
	if (is_inet(event))
		return detect_text(span_of("ip"));
	return is_socket(event) && event_u64(event, FIELD_FAMILY) == AF_UNIX
		       ? detect_text(span_of("unix"))
		       : detect_none();
}

READER(server_side)
{
	return is_inet(event) ? detect_bool(is_server(event)) : detect_none();
}

/* Only sends that name their far end are recorded, and those are on no connection. */
READER(connected)
{
	if (!is_socket(event))
		return detect_none();
	if (event->ev->type == EVENT_NET_CONNECT && event->ev->ret == -EINPROGRESS)
		return detect_absent();
	return detect_bool(event->ev->ret >= 0 && (event->ev->type == EVENT_NET_CONNECT ||
						   event->ev->type == EVENT_NET_ACCEPT));
}

/* Repeats to one far end are folded, so a send that is told is the first to that end. */
READER(name_changed)
{
	bool named = event->ev->type == EVENT_NET_CONNECT || event->ev->type == EVENT_NET_SEND ||
		     event->ev->type == EVENT_NET_ACCEPT;

	return is_socket(event) ? detect_bool(named && event->ev->ret >= 0) : detect_none();
}

static bool has_inode(const struct detect_event *event)
{
	return event_has(event, FIELD_INO) && event_u64(event, FIELD_INO);
}

READER(device)
{
	uint64_t dev = event_u64(event, FIELD_DEV);

	return is_file(event) && has_inode(event)
		       ? detect_u64((dev >> 20) << 20 | (dev & 0xfffff))
		       : missing(is_file(event) ? TRUTH_UNKNOWN : TRUTH_NO);
}

READER(device_major)
{
	struct detect_value dev = device(field, event);

	return dev.kind == DETECT_U64 ? detect_u64(dev.u >> 20) : dev;
}

READER(device_minor)
{
	struct detect_value dev = device(field, event);

	return dev.kind == DETECT_U64 ? detect_u64(dev.u & 0xfffff) : dev;
}

READER(inode)
{
	if (is_socket(event))
		return detect_u64(event_u64(event, FIELD_SOCK_INO));
	if (!is_file(event))
		return detect_none();
	return has_inode(event) ? detect_u64(event_u64(event, FIELD_INO)) : detect_absent();
}

static struct detect_value layer(const struct detect_event *event, bool upper)
{
	uint64_t flags = is_file(event) ? event_u64(event, FIELD_FILE_FLAGS) : 0;

	if (!is_file(event))
		return detect_none();
	if (!has_inode(event))
		return detect_absent();
	return detect_bool((flags & FILE_FLAG_OVERLAY) && (bool)(flags & FILE_FLAG_UPPER) == upper);
}

READER(upper_layer)
{
	return layer(event, true);
}

READER(lower_layer)
{
	return layer(event, false);
}

#define NO_DNS                                                                                \
	"names are observed and never asked for, and no address keeps its name yet; compare " \
	"fd.sip"
#define NO_SERVICE \
	"ports have no names here; compare the port, for which a service's name may stand"
#define NO_FDS "calls on several descriptors are not recorded"

/* clang-format off */
const struct extractor extract_fd_fields[] = {
	{"fd.num", DETECT_I64, false, EXTRACT_NO_ARG, num, "negative when the open failed"},
	{"fd.type", DETECT_TEXT, false, EXTRACT_NO_ARG, type, NULL},
	{"fd.types", DETECT_TEXT, true, EXTRACT_ARG_ALLOWED, types, "of the event's one descriptor"},
	{"fd.typechar", DETECT_TEXT, false, EXTRACT_NO_ARG, typechar, NULL},
	{"fd.name", DETECT_TEXT, false, EXTRACT_NO_ARG, name, "a path that the kernel resolved, client->server, or a unix socket's path"},
	{"fd.directory", DETECT_TEXT, false, EXTRACT_NO_ARG, directory, NULL},
	{"fd.filename", DETECT_TEXT, false, EXTRACT_NO_ARG, filename, NULL},
	{"fd.nameraw", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, "the path as the caller wrote it is resolved and not kept; use fd.name"},
	{"fd.ip", DETECT_ADDR, false, EXTRACT_NO_ARG, any_ip, "either end"},
	{"fd.cip", DETECT_ADDR, false, EXTRACT_NO_ARG, client_ip, NULL},
	{"fd.sip", DETECT_ADDR, false, EXTRACT_NO_ARG, server_ip, NULL},
	{"fd.lip", DETECT_ADDR, false, EXTRACT_NO_ARG, local_ip, NULL},
	{"fd.rip", DETECT_ADDR, false, EXTRACT_NO_ARG, remote_ip, NULL},
	{"fd.port", DETECT_U64, false, EXTRACT_NO_ARG, any_port, "either end"},
	{"fd.cport", DETECT_U64, false, EXTRACT_NO_ARG, client_port, NULL},
	{"fd.sport", DETECT_U64, false, EXTRACT_NO_ARG, server_port, NULL},
	{"fd.lport", DETECT_U64, false, EXTRACT_NO_ARG, local_port, NULL},
	{"fd.rport", DETECT_U64, false, EXTRACT_NO_ARG, remote_port, NULL},
	{"fd.net", DETECT_NET, false, EXTRACT_NO_ARG, any_ip, "either end"},
	{"fd.cnet", DETECT_NET, false, EXTRACT_NO_ARG, client_ip, NULL},
	{"fd.snet", DETECT_NET, false, EXTRACT_NO_ARG, server_ip, NULL},
	{"fd.lnet", DETECT_NET, false, EXTRACT_NO_ARG, local_ip, NULL},
	{"fd.rnet", DETECT_NET, false, EXTRACT_NO_ARG, remote_ip, NULL},
	{"fd.l4proto", DETECT_TEXT, false, EXTRACT_NO_ARG, l4proto, NULL},
	{"fd.sockfamily", DETECT_TEXT, false, EXTRACT_NO_ARG, sockfamily, NULL},
	{"fd.is_server", DETECT_BOOL, false, EXTRACT_NO_ARG, server_side, NULL},
	{"fd.connected", DETECT_BOOL, false, EXTRACT_NO_ARG, connected, NULL},
	{"fd.name_changed", DETECT_BOOL, false, EXTRACT_NO_ARG, name_changed, NULL},
	{"fd.dev", DETECT_U64, false, EXTRACT_NO_ARG, device, "(major << 20) | minor"},
	{"fd.dev.major", DETECT_U64, false, EXTRACT_NO_ARG, device_major, NULL},
	{"fd.dev.minor", DETECT_U64, false, EXTRACT_NO_ARG, device_minor, NULL},
	{"fd.ino", DETECT_U64, false, EXTRACT_NO_ARG, inode, NULL},
	{"fd.is_upper_layer", DETECT_BOOL, false, EXTRACT_NO_ARG, upper_layer, NULL},
	{"fd.is_lower_layer", DETECT_BOOL, false, EXTRACT_NO_ARG, lower_layer, NULL},
	{"fd.cip.name", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_DNS},
	{"fd.sip.name", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_DNS},
	{"fd.lip.name", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_DNS},
	{"fd.rip.name", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_DNS},
	{"fd.proto", DETECT_U64, false, EXTRACT_NO_ARG, NULL, NO_SERVICE},
	{"fd.cproto", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_SERVICE},
	{"fd.sproto", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_SERVICE},
	{"fd.lproto", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_SERVICE},
	{"fd.rproto", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_SERVICE},
	{"fd.uid", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, "descriptors have no number over time; use fd.ino and fd.dev"},
	{"fd.containername", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, "compare container.id and fd.name"},
	{"fd.containerdirectory", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, "compare container.id and fd.directory"},
	{"fdlist.nums", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_FDS},
	{"fdlist.names", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_FDS},
	{"fdlist.cips", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_FDS},
	{"fdlist.sips", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_FDS},
	{"fdlist.cports", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_FDS},
	{"fdlist.sports", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_FDS},
	{NULL, DETECT_ABSENT, false, EXTRACT_NO_ARG, NULL, NULL},
};
/* clang-format on */
