/* probe.c - loading the kernel programs, draining their rings. */
#include "record/probe.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "amber.skel.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "record/probe_calls.h"
#include "record/probe_watch.h"

#define RING_DEFAULT  (16u << 20)
#define SLOT_BATCH    64u
#define DEAD_KEEP_NS  (5 * NSEC_PER_SEC)
#define CGROUP2_MAGIC 0x63677270 /* linux/magic.h */

/* One ring as the kernel maps it (Documentation/bpf/ringbuf.rst): a page with the consumer's
 * position, which is ours, a page with the producer's, and the data twice in a row. */
struct probe_ring {
	int fd;
	uint32_t mask; /* bytes - 1 */
	volatile unsigned long *consumer;
	const volatile unsigned long *producer;
	const uint8_t *data;
	size_t mapped_bytes; /* behind the consumer's page */
};

struct probe {
	struct amber *skel;
	struct probe_ring rings[PROBE_RINGS_MAX];
	unsigned ring_count;
	unsigned next_ring; /* where the next drain starts */
	int cpu_count;
	uint64_t fold_ns;
	uint64_t malformed;
	enum probe_hierarchy hierarchy;
	char cgroup_root[256];
};

/* The last complaint of libbpf, for the text of an error. */
static _Thread_local char complaint[256];

__attribute__((format(printf, 2, 0))) static int keep_complaint(enum libbpf_print_level level,
								const char *format, va_list args)
{
	if (level == LIBBPF_WARN && !complaint[0])
		(void)vsnprintf(complaint, sizeof(complaint), format, args); /* may be cut */
	return 0;
}

struct probe_options probe_defaults(void)
{
	return (struct probe_options){
		.ring_bytes = RING_DEFAULT,
		.fold_ms = 1000,
		.quota_rate = 200000,
		.quota_burst = 400000,
	};
}

/* ---- what the host allows ---- */

static const char *lockdown_state(void)
{
	static const char *const states[] = {"none", "integrity", "confidentiality"};
	AUTO(buf) struct buf text;
	struct err e = ERR_INIT;

	buf_init(&text, 256);
	if (fd_read_file(AT_FDCWD, "/sys/kernel/security/lockdown", &text, &e))
		return "unknown";
	const char *p = buf_text(&text);
	const char *chosen = p ? strchr(p, '[') : NULL;
	for (size_t i = 0; chosen && i < ARRAY_LEN(states); i++)
		if (!strncmp(chosen + 1, states[i], strlen(states[i])))
			return states[i];
	return "unknown";
}

static bool has_cap(cap_t caps, cap_value_t cap)
{
	cap_flag_value_t value = CAP_CLEAR;

	return !cap_get_flag(caps, cap, CAP_EFFECTIVE, &value) && value == CAP_SET;
}

static bool is_privileged(void)
{
	cap_t caps = cap_get_proc();
	bool ok;

	if (!caps)
		return false;
	ok = has_cap(caps, CAP_SYS_ADMIN) || (has_cap(caps, CAP_BPF) && has_cap(caps, CAP_PERFMON));
	(void)cap_free(caps); /* fails for a bad pointer only */
	return ok;
}

static bool is_cgroup2(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == CGROUP2_MAGIC;
}

static const char *unified_mount(void)
{
	static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (is_cgroup2(places[i]))
			return places[i];
	return NULL;
}

void probe_features(struct probe_features *ret_features)
{
	struct probe_features f = {0};

	f.btf = !access("/sys/kernel/btf/vmlinux", R_OK);
	f.privileged = is_privileged();
	f.ring = libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) == 1;
	f.compat = !access("/proc/sys/abi/vsyscall32", F_OK);
	f.unified = unified_mount() != NULL;
	f.lockdown = lockdown_state();
	*ret_features = f;
}

/* ---- opening ---- */

/* The number of a v1 controller's hierarchy in /proc/cgroups; 0 when it is not mounted. */
static int controller_hierarchy(const char *controller, uint32_t *ret_id, struct err *e)
{
	AUTO(buf) struct buf text;
	char line[64];
	int r;

	buf_init(&text, LIMIT_FILE_READ);
	r = fd_read_file(AT_FDCWD, "/proc/cgroups", &text, e);
	if (r)
		return r;
	(void)snprintf(line, sizeof(line), "\n%s\t", controller); /* two short constants */
	const char *p = buf_text(&text);
	p = p ? strstr(p, line) : NULL;
	*ret_id = p ? (uint32_t)strtoul(p + strlen(line), NULL, 10) : 0; /* 0 when no number */
	return 0;
}

static int use_controller(struct probe *probe, const char *controller, struct wire_config *config,
			  struct err *e)
{
	uint32_t id = 0;
	int r = controller_hierarchy(controller, &id, e);

	if (r)
		return r;
	if (!id)
		return err_set(e, ENOTSUP,
			       "no hierarchy of control groups is mounted for '%s'; mount cgroup2",
			       controller);
	config->hierarchy_id = id;
	(void)snprintf(probe->cgroup_root, sizeof(probe->cgroup_root), "/sys/fs/cgroup/%s",
		       controller); /* a short constant */
	return 0;
}

static int choose_hierarchy(struct probe *probe, enum probe_hierarchy wanted,
			    struct wire_config *config, struct err *e)
{
	const char *unified = unified_mount();
	int r;

	if (wanted == PROBE_HIERARCHY_AUTO && unified)
		wanted = PROBE_HIERARCHY_UNIFIED;
	if (wanted == PROBE_HIERARCHY_UNIFIED) {
		if (!unified)
			return err_set(e, ENOTSUP,
				       "the unified hierarchy is not mounted at "
				       "'/sys/fs/cgroup' or '/sys/fs/cgroup/unified'");
		(void)snprintf(probe->cgroup_root, sizeof(probe->cgroup_root), "%s",
			       unified); /* a short constant */
		probe->hierarchy = wanted;
		return 0;
	}
	if (wanted != PROBE_HIERARCHY_MEMORY) {
		r = use_controller(probe, "pids", config, e);
		if (!r || wanted == PROBE_HIERARCHY_PIDS) {
			config->hierarchy_v1 = 1;
			probe->hierarchy = PROBE_HIERARCHY_PIDS;
			return r;
		}
		err_clear(e);
	}
	config->hierarchy_v1 = 2;
	probe->hierarchy = PROBE_HIERARCHY_MEMORY;
	return use_controller(probe, "memory", config, e);
}

static uint32_t ring_bytes(const struct probe_options *o)
{
	uint32_t bytes = (uint32_t)sysconf(_SC_PAGESIZE);

	while (bytes < (o->ring_bytes ? o->ring_bytes : RING_DEFAULT) && bytes < 1u << 30)
		bytes *= 2;
	return bytes;
}

static int fill_config(struct probe *probe, const struct probe_options *o, struct err *e)
{
	struct wire_config *config = &probe->skel->rodata->config;
	struct stat st;
	unsigned shift = 2;

	config->fold_ns = probe->fold_ns = o->fold_ms * 1000000ull;
	config->quota_cost_ns = o->quota_rate ? NSEC_PER_SEC / o->quota_rate : 0;
	config->quota_burst_ns = config->quota_cost_ns * o->quota_burst;
	config->own_tgid = (uint32_t)getpid();
	if (stat("/proc/self/ns/mnt", &st))
		return err_sys(e, errno, "cannot read '/proc/self/ns/mnt'");
	config->own_mnt_ns = (uint32_t)st.st_ino;
	while ((unsigned)(probe->cpu_count - 1) >> shift >= PROBE_RINGS_MAX)
		shift++;
	config->ring_shift = shift;
	config->ring_wake = ring_bytes(o) / 4;
	probe->ring_count = ((unsigned)(probe->cpu_count - 1) >> shift) + 1;
	return choose_hierarchy(probe, o->hierarchy, config, e);
}

static void fill_calls(struct amber *skel)
{
	for (unsigned i = 0; i < WIRE_CALL_MAX; i++)
		skel->rodata->compat_call[i] = WIRE_CALL_NONE;
	for (const struct probe_call *c = probe_calls; c->nr; c++)
		skel->rodata->call_kind[c->nr] = WIRE_CALL_HANDLED;
	skel->rodata->call_kind[SYS_prctl] |= WIRE_CALL_CANARY;
	skel->rodata->call_kind[SYS_mmap] |= WIRE_CALL_EXEC;
	skel->rodata->call_kind[SYS_mprotect] |= WIRE_CALL_EXEC;
	skel->rodata->call_kind[SYS_pkey_mprotect] |= WIRE_CALL_EXEC;
	for (const struct probe_compat *c = probe_compat; c->nr; c++)
		skel->rodata->compat_call[c->nr] =
			c->native == PROBE_COMPAT_GAP ? WIRE_CALL_GAP : (uint16_t)c->native;
}

/* Handlers are loaded and reached by tail calls; only the dispatcher is attached to sys_exit. */
static void choose_attached(struct amber *skel)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, skel->obj)
	{
		if (!strcmp(bpf_program__section_name(prog), "tp_btf/sys_exit"))
			bpf_program__set_autoattach(prog, prog == skel->progs.dispatch);
	}
}

/* The words for a load that the kernel refused. */
static int refused(int code, const char *what, struct err *e)
{
	struct probe_features f;
	char *end = strchr(complaint, '\n');

	if (end)
		*end = 0;
	probe_features(&f);
	if (!f.btf)
		return err_set(
			e, ENOTSUP,
			"cannot %s: the kernel has no '/sys/kernel/btf/vmlinux'; use one built "
			"with CONFIG_DEBUG_INFO_BTF",
			what);
	if (!f.privileged)
		return err_set(
			e, EPERM,
			"cannot %s: not privileged; run as root or with CAP_BPF and CAP_PERFMON",
			what);
	if (!strcmp(f.lockdown, "confidentiality"))
		return err_set(e, EPERM,
			       "cannot %s: kernel lockdown is 'confidentiality'; boot with "
			       "lockdown=integrity",
			       what);
	return err_sys(e, code, "cannot %s (%s)", what,
		       complaint[0] ? complaint : "libbpf is silent");
}

/* Tracepoints that not every kernel has: without them the programs are left out. */
static int choose_loaded(struct amber *skel, struct err *e)
{
	const struct {
		struct bpf_program *prog;
		const char *tracepoint;
	} optional[] = {
		{skel->progs.on_uring_submit, "btf_trace_io_uring_submit_req"},
		{skel->progs.on_uring_submit_sqe, "btf_trace_io_uring_submit_sqe"},
		{skel->progs.on_uring_open, "btf_trace_io_uring_complete"},
	};
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf)
		return refused(errno, "read the kernel's types", e);
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
		if (btf__find_by_name_kind(btf, optional[i].tracepoint, BTF_KIND_TYPEDEF) < 0)
			(void)bpf_program__set_autoload(optional[i].prog,
							false); /* fails for a loaded one only */
	btf__free(btf);
	return 0;
}

static int fill_handlers(struct amber *skel, struct err *e)
{
	int map = bpf_map__fd(skel->maps.handlers);

	for (const struct probe_call *c = probe_calls; c->nr; c++) {
		struct bpf_program *prog = bpf_object__find_program_by_name(skel->obj, c->program);
		uint32_t key = c->nr;
		int fd = prog ? bpf_program__fd(prog) : -1;

		if (fd < 0)
			return err_set(e, ENOENT, "no kernel program is named '%s'", c->program);
		if (bpf_map_update_elem(map, &key, &fd, BPF_ANY))
			return err_sys(e, errno, "cannot set the handler of system call %u", key);
	}
	return 0;
}

static void ring_close(struct probe_ring *ring)
{
	long page = sysconf(_SC_PAGESIZE);

	if (ring->producer)
		(void)munmap((void *)(uintptr_t)ring->producer,
			     ring->mapped_bytes); /* ours, so it cannot fail */
	if (ring->consumer)
		(void)munmap((void *)(uintptr_t)ring->consumer, (size_t)page);
	fd_close(&ring->fd);
}

static int ring_open(struct probe_ring *ring, uint32_t bytes, struct err *e)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p;

	ring->fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "amber_ring", 0, 0, bytes, NULL);
	if (ring->fd < 0)
		return err_sys(e, -ring->fd, "cannot make a ring of %u bytes", bytes);
	ring->mask = bytes - 1;
	p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	if (p == MAP_FAILED)
		return err_sys(e, errno, "cannot map a ring");
	ring->consumer = p;
	ring->mapped_bytes = page + 2 * (size_t)bytes;
	p = mmap(NULL, ring->mapped_bytes, PROT_READ, MAP_SHARED, ring->fd, (off_t)page);
	if (p == MAP_FAILED)
		return err_sys(e, errno, "cannot map a ring of %u bytes", bytes);
	ring->producer = p;
	ring->data = (const uint8_t *)p + page;
	return 0;
}

static int open_rings(struct probe *probe, uint32_t bytes, struct err *e)
{
	int map = bpf_map__fd(probe->skel->maps.rings);

	for (uint32_t i = 0; i < probe->ring_count; i++) {
		int r = ring_open(&probe->rings[i], bytes, e);

		if (r)
			return r;
		if (bpf_map_update_elem(map, &i, &probe->rings[i].fd, BPF_ANY))
			return err_sys(e, errno, "cannot install a ring");
	}
	return 0;
}

static int load(struct probe *probe, const struct probe_options *o, struct err *e)
{
	int r;

	probe->skel = amber__open();
	if (!probe->skel)
		return refused(errno, "open the kernel programs", e);
	r = fill_config(probe, o, e);
	if (r)
		return r;
	fill_calls(probe->skel);
	choose_attached(probe->skel);
	r = choose_loaded(probe->skel, e);
	if (r)
		return r;
	r = bpf_map__set_max_entries(probe->skel->maps.scratches, (uint32_t)probe->cpu_count);
	if (r)
		return err_sys(e, -r, "cannot size the scratch memory");
	r = amber__load(probe->skel);
	if (r)
		return refused(-r, "load the kernel programs", e);
	r = open_rings(probe, ring_bytes(o), e);
	if (!r)
		r = fill_handlers(probe->skel, e);
	if (r)
		return r;
	r = amber__attach(probe->skel);
	return r ? refused(-r, "attach the kernel programs", e) : 0;
}

int probe_open(const struct probe_options *options, struct probe **ret_probe, struct err *e)
{
	AUTO(probe) struct probe *probe = calloc(1, sizeof(*probe));
	int r;

	if (!probe)
		return err_set(e, ENOMEM, "no memory for the probe");
	for (unsigned i = 0; i < PROBE_RINGS_MAX; i++)
		probe->rings[i].fd = -1;
	complaint[0] = 0;
	libbpf_set_print(keep_complaint);
	probe->cpu_count = libbpf_num_possible_cpus();
	if (probe->cpu_count < 1)
		return err_set(e, ENOTSUP, "cannot read '/sys/devices/system/cpu/possible'");
	r = load(probe, options, e);
	if (!r)
		*ret_probe = TAKE(probe);
	return r;
}

void probe_close(struct probe *probe)
{
	if (!probe)
		return;
	amber__destroy(probe->skel);
	for (unsigned i = 0; i < PROBE_RINGS_MAX; i++)
		ring_close(&probe->rings[i]);
	free(probe);
}

/* ---- records ---- */

/* The header that the kernel puts before each record of a ring (kernel/bpf/ringbuf.c). */
#define RING_HEADER 8u

void probe_wait(const struct probe *probe, int timeout_ms)
{
	struct pollfd fds[PROBE_RINGS_MAX];

	for (unsigned i = 0; i < probe->ring_count; i++)
		fds[i] = (struct pollfd){.fd = probe->rings[i].fd, .events = POLLIN};
	(void)poll(fds, probe->ring_count,
		   timeout_ms); /* whatever it says, the rings are looked at */
}

static bool is_record(const uint8_t *p, uint32_t len)
{
	const struct wire_head *head = (const struct wire_head *)p;

	return len >= sizeof(*head) && head->len == len && len <= WIRE_REC_MAX;
}

static unsigned ring_drain(struct probe *probe, struct probe_ring *ring,
			   void (*fn)(void *ctx, const struct wire_head *rec, size_t len),
			   void *ctx, unsigned max)
{
	unsigned long at = *ring->consumer, end;
	unsigned n = 0;

	end = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
	while (at < end && n < max) {
		const uint8_t *p = ring->data + (at & ring->mask);
		uint32_t header = __atomic_load_n((const uint32_t *)p, __ATOMIC_ACQUIRE);
		uint32_t len = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (header & BPF_RINGBUF_BUSY_BIT)
			break;
		at += (len + RING_HEADER + 7u) & ~7ul;
		if (!(header & BPF_RINGBUF_DISCARD_BIT)) {
			if (is_record(p + RING_HEADER, len))
				fn(ctx, (const struct wire_head *)(p + RING_HEADER), len);
			else
				probe->malformed++;
			n++;
		}
		__atomic_store_n(ring->consumer, at, __ATOMIC_RELEASE);
	}
	return n;
}

unsigned probe_drain(struct probe *probe,
		     void (*fn)(void *ctx, const struct wire_head *rec, size_t len), void *ctx,
		     unsigned max)
{
	unsigned n = 0, first = probe->next_ring;

	for (unsigned i = 0; i < probe->ring_count && n < max; i++) {
		unsigned ring = (first + i) % probe->ring_count;

		n += ring_drain(probe, &probe->rings[ring], fn, ctx, max - n);
		probe->next_ring = (ring + 1) % probe->ring_count;
	}
	return n;
}

/* Hands over one kept repeat.  *fold is the caller's own copy. */
static bool fold_tell(struct probe *probe, struct wire_fold *fold,
		      void (*fn)(void *ctx, const struct wire_head *rec, size_t len), void *ctx)
{
	struct wire_head *head = (struct wire_head *)fold->data;

	if (!fold->count)
		return false;
	if (head->len > WIRE_FOLD_DATA || !is_record(fold->data, head->len)) {
		probe->malformed++;
		return false;
	}
	head->count = fold->count > UINT32_MAX ? UINT32_MAX : (uint32_t)fold->count;
	head->boot_ns = fold->last_ns;
	head->seq = 0;
	if (head->count > 1)
		head->marks |= WIRE_MARK_FOLDED;
	fn(ctx, head, head->len);
	return true;
}

static unsigned sweep_folds(struct probe *probe,
			    void (*fn)(void *ctx, const struct wire_head *rec, size_t len),
			    void *ctx)
{
	int map = bpf_map__fd(probe->skel->maps.fold_saved);
	uint64_t now = clock_boot_ns();
	struct wire_fold_key key, next;
	struct wire_fold fold;
	unsigned n = 0;
	int r = bpf_map_get_next_key(map, NULL, &next);

	while (!r) {
		key = next;
		r = bpf_map_get_next_key(map, &key, &next);
		if (bpf_map_lookup_elem(map, &key, &fold) || now < fold.last_ns ||
		    now - fold.last_ns < probe->fold_ns)
			continue;
		if (!bpf_map_lookup_and_delete_elem(map, &key, &fold))
			n += fold_tell(probe, &fold, fn, ctx);
	}
	return n;
}

/* Some of the tracked cgroups at a time: one system call, not two for each. */
struct slot_batch {
	uint64_t ids[SLOT_BATCH];
	struct wire_slot slots[SLOT_BATCH];
	uint32_t n, token;
	bool begun, ended;
};

/* The next ones; false when there are no more.  Begins with a batch of zeros. */
static bool slots_next(const struct probe *probe, struct slot_batch *batch)
{
	int r;

	if (batch->ended)
		return false;
	batch->n = SLOT_BATCH;
	r = bpf_map_lookup_batch(bpf_map__fd(probe->skel->maps.slots),
				 batch->begun ? &batch->token : NULL, &batch->token, batch->ids,
				 batch->slots, &batch->n, NULL);
	batch->begun = true;
	batch->ended = r < 0; /* ENOENT comes with the last ones */
	if (r < 0 && errno != ENOENT)
		batch->n = 0;
	return batch->n > 0;
}

static void sweep_dead(struct probe *probe)
{
	struct slot_batch batch = {.n = 0};
	uint64_t now = clock_boot_ns();

	while (slots_next(probe, &batch)) {
		for (uint32_t i = 0; i < batch.n; i++) {
			const struct wire_slot *slot = &batch.slots[i];

			if ((slot->flags & WIRE_SLOT_DEAD) && now > slot->dead_ns &&
			    now - slot->dead_ns >= DEAD_KEEP_NS)
				probe_untrack(probe, batch.ids[i]);
		}
	}
}

unsigned probe_sweep(struct probe *probe,
		     void (*fn)(void *ctx, const struct wire_head *rec, size_t len), void *ctx)
{
	sweep_dead(probe);
	return sweep_folds(probe, fn, ctx);
}

/* ---- what is watched ---- */

int probe_track(struct probe *probe, uint64_t cgroup_id, uint64_t root, struct err *e)
{
	struct wire_slot slot = {
		.root = root,
		.flags = WIRE_SLOT_USER | WIRE_SLOT_STARTED |
			 (root == cgroup_id ? 0 : WIRE_SLOT_NESTED),
		.made_ns = clock_boot_ns(),
	};

	__atomic_store_n(&probe->skel->bss->slot_hint[WIRE_SLOT_HINT(cgroup_id)], 1,
			 __ATOMIC_SEQ_CST);
	if (bpf_map_update_elem(bpf_map__fd(probe->skel->maps.slots), &cgroup_id, &slot,
				BPF_NOEXIST) == 0)
		return 1;
	if (errno == EEXIST)
		return 0;
	return err_sys(e, errno, "cannot track cgroup %llu", (unsigned long long)cgroup_id);
}

void probe_untrack(struct probe *probe, uint64_t cgroup_id)
{
	/* fails when it is not there, which is what was asked for */
	(void)bpf_map_delete_elem(bpf_map__fd(probe->skel->maps.slots), &cgroup_id);
}

static int name_key(const char *name, char ret_key[WIRE_NAME_MAX], struct err *e)
{
	size_t n = strlen(name);

	if (n >= WIRE_NAME_MAX)
		return err_set(e, ENAMETOOLONG, "the name of a cgroup is longer than %u bytes",
			       WIRE_NAME_MAX - 1);
	memset(ret_key, 0, WIRE_NAME_MAX);
	memcpy(ret_key, name, n);
	return 0;
}

int probe_expect(struct probe *probe, const char *name, struct err *e)
{
	uint64_t now = clock_boot_ns();
	char key[WIRE_NAME_MAX];
	int r = name_key(name, key, e);

	if (r)
		return r;
	if (bpf_map_update_elem(bpf_map__fd(probe->skel->maps.expected), key, &now, BPF_ANY))
		return err_sys(e, errno, "cannot expect cgroup '%s'", name);
	return 0;
}

void probe_unexpect(struct probe *probe, const char *name)
{
	struct err e = ERR_INIT;
	char key[WIRE_NAME_MAX];

	if (!name_key(name, key, &e)) /* fails when it was not expected: fine */
		(void)bpf_map_delete_elem(bpf_map__fd(probe->skel->maps.expected), key);
}

int probe_watch_read(struct probe *probe, const char *const *names, size_t count, struct err *e)
{
	return probe_watch_set(bpf_map__fd(probe->skel->maps.watched),
			       bpf_map__fd(probe->skel->maps.watched_bits), names, count, e);
}

void probe_canary(uint64_t request, uint64_t lost)
{
	/* the kernel knows no such option and says so; the call is all that matters */
	(void)prctl(WIRE_CANARY_OPTION, request, lost, 0, 0);
}

/* ---- counters ---- */

static void counters_add(struct wire_counters *sum, const struct wire_counters *one)
{
	sum->seq += one->seq;
	sum->seen += one->seen;
	sum->emitted += one->emitted;
	sum->folded += one->folded;
	sum->truncated += one->truncated;
	sum->faults += one->faults;
	for (unsigned i = 0; i < WIRE_LOST_COUNT; i++)
		sum->lost[i] += one->lost[i];
}

static uint64_t count_tracked(const struct probe *probe)
{
	struct slot_batch batch = {.n = 0};
	uint64_t n = 0;

	while (slots_next(probe, &batch))
		n += batch.n;
	return n;
}

void probe_stats(const struct probe *probe, struct probe_stats *ret_stats)
{
	AUTO(free)
	struct wire_counters *each = calloc((size_t)probe->cpu_count, sizeof(*each));
	struct probe_stats stats = {.malformed = probe->malformed};
	uint32_t zero = 0;

	if (each && !bpf_map_lookup_elem(bpf_map__fd(probe->skel->maps.counters), &zero, each))
		for (int i = 0; i < probe->cpu_count; i++)
			counters_add(&stats.all, &each[i]);
	for (unsigned i = 0; i < probe->ring_count; i++) {
		const struct probe_ring *ring = &probe->rings[i];

		stats.ring_used += *ring->producer - *ring->consumer;
		stats.ring_bytes += ring->mask + 1ull;
	}
	stats.tracked = count_tracked(probe);
	*ret_stats = stats;
}

void probe_losses(const struct probe *probe,
		  void (*fn)(void *ctx, uint64_t cgroup_id, const struct wire_slot *slot),
		  void *ctx)
{
	struct slot_batch batch = {.n = 0};

	while (slots_next(probe, &batch))
		for (uint32_t i = 0; i < batch.n; i++)
			if (!(batch.slots[i].flags & WIRE_SLOT_NESTED))
				fn(ctx, batch.ids[i], &batch.slots[i]);
}

enum probe_hierarchy probe_hierarchy(const struct probe *probe)
{
	return probe->hierarchy;
}

const char *probe_cgroup_root(const struct probe *probe)
{
	return probe->cgroup_root;
}
