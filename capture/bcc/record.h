/* What every concern shares: the record that leaves the kernel, the traced tree, and the counters.
 *
 * Kernel structures are never dereferenced: GET reads a member at the offset that the running kernel's BTF
 * gives, which the loader defines as OFFSET_<struct>_<member> before this file. */

#define INLINE static inline __attribute__((always_inline))
#define OFFSET(type, member) OFFSET_##type##_##member
#define GET(destination, pointer, type, member) \
  bpf_probe_read_kernel(&(destination), sizeof(destination), (char *)(pointer) + OFFSET(type, member))
/* Keeps the compiler from dropping a bound that the verifier needs to see. */
#define BOUND(variable, mask) asm volatile("" : "+r"(variable)); variable &= (mask)

enum kind { FORK = 1, EXEC, EXIT, SIGNAL, CALL, IO, ADDRESS, DNS, TLS, HTTP, PLAINTEXT, SMTP };
enum counter { SENT, DROPPED, IO_URING, COMPAT32, TREE_FULL, FLOWS_FULL, COUNTERS };
enum cut { CUT_PATH = 1, CUT_ARGUMENTS = 2, CUT_ENVIRONMENT = 4, CUT_PAYLOAD = 8 };

#define DATA_MASK 0x3fff
#define DATA_LIMIT 0x2f00 /* nothing longer than 4096 bytes is appended behind it */
#define NONE 0xffff

/* records.py reads it: who did it (to comm), when (to cpu), and what, so that what comes again is known by its bytes. */
struct record {
  u64 start, parent_start, cgroup;
  u32 tgid, parent, uid, spare;
  char comm[16];
  u64 ts, sequence;
  u32 tid;
  u16 cpu, unused;
  s64 ret;
  u64 a, b, c, d, e;
  u16 kind, nr, cut, spare2;
  u16 length[4]; /* of the parts of data, in order */
};

/* `end` counts the bytes of data; it is kept in memory so that the verifier need not follow it through loops. */
struct scratch {
  u64 end, message;
  struct record record;
  char data[DATA_MASK + 1 + 8192];
};

/* A process of the traced tree; `epoch` counts the files it began to read, `dirty` its descriptors with unsent totals.
 * A command that was started stopped is `quiet` until its exec: what it does before is the recorder's doing. */
struct process {
  u32 root;
  u32 epoch;
  u64 quiet;
  u64 dirty[2];
};

/* How to read one system call: byte offsets into pt_regs of its arguments, NONE where it has none. */
struct shape {
  u16 path, directory, path2, directory2;
  u16 fd, from, to;
  u16 x, y;
  u16 buffer, layout, address, address_length;
  u16 result; /* 1: returns a descriptor */
  u16 pointer; /* 1: x points to the value */
};

BPF_HASH(tree, u32, struct process, 65536);
BPF_PERCPU_ARRAY(scratches, struct scratch, 1);
BPF_PERCPU_ARRAY(counters, u64, COUNTERS);
BPF_ARRAY(shapes, struct shape, 512);
BPF_PROG_ARRAY(calls, 512);
BPF_PROG_ARRAY(programs, 8);
BPF_RINGBUF_OUTPUT(ring, RING_PAGES);

INLINE void count(u32 which) {
  u64 *n = counters.lookup(&which);
  if (n) *n += 1;
}

INLINE struct process *traced(void) {
  u32 tgid = bpf_get_current_pid_tgid() >> 32;
  struct process *p = tree.lookup(&tgid);
  return p && !p->quiet ? p : 0;
}

INLINE struct scratch *begin(u32 kind, u32 nr) {
  u32 zero = 0;
  struct scratch *s = scratches.lookup(&zero);
  if (!s) return 0;
  struct record *r = &s->record;
  void *task = (void *)bpf_get_current_task(), *leader = 0, *parent = 0, *parent_leader = 0;
  u64 id = bpf_get_current_pid_tgid();
  r->ts = bpf_ktime_get_ns();
  GET(leader, task, task_struct, group_leader);
  GET(r->start, leader, task_struct, start_boottime);
  GET(parent, task, task_struct, real_parent);
  GET(r->parent, parent, task_struct, tgid);
  GET(parent_leader, parent, task_struct, group_leader);
  GET(r->parent_start, parent_leader, task_struct, start_boottime);
  r->cgroup = bpf_get_current_cgroup_id();
  s->end = 0;
  r->ret = 0;
  r->a = r->b = r->c = r->d = r->e = 0;
  r->tgid = id >> 32;
  r->spare = r->unused = r->spare2 = 0;
  r->tid = (u32)id;
  r->uid = (u32)bpf_get_current_uid_gid();
  r->cpu = bpf_get_smp_processor_id();
  r->kind = kind;
  r->nr = nr;
  r->cut = 0;
  r->length[0] = r->length[1] = r->length[2] = r->length[3] = 0;
  bpf_get_current_comm(r->comm, sizeof(r->comm));
  return s;
}

/* Sends the record and its data; wakes the reader when it has read everything before. */
INLINE void submit(struct scratch *s) {
  u32 sent = SENT;
  u64 *total = counters.lookup(&sent);
  if (!total) return;
  s->record.sequence = *total;
  *total += 1;
  u64 n = s->end;
  BOUND(n, DATA_MASK);
  if (ring.ringbuf_output(&s->record, sizeof(struct record) + n, 0)) count(DROPPED);
}
