/* Bytes moved, added up for each process, descriptor and direction.
 *
 * The first operation on a file is sent at once; later ones are added and sent when INTERVAL_NS has passed, when the
 * process has meanwhile begun to read something new (so that what it writes next is known to come after), when the
 * descriptor is closed, and when the process ends. */

struct flow_key {
  u32 tgid;
  u32 slot; /* descriptor << 1 | direction, 1 for out of the process */
};

struct flow {
  u64 inode, device_mode, bytes, operations, first, last, sent, start;
  u64 peer; /* of a datagram: its address, folded */
  u32 epoch, fresh;
};

BPF_HASH(flows, struct flow_key, struct flow, 65536);

/* Sends what a flow has gathered; the path or the peer was sent with its first operation. */
INLINE void flush(struct flow_key *key) {
  struct flow *f = flows.lookup(key);
  if (!f) return;
  if (f->operations) {
    struct scratch *s = begin(IO, 0);
    if (s) {
      s->record.a = f->inode;
      s->record.b = f->device_mode;
      s->record.c = f->bytes;
      s->record.d = f->operations;
      s->record.e = f->first;
      s->record.ts = f->last;
      s->record.ret = key->slot;
      submit(s);
    }
  }
  flows.delete(key);
}

INLINE void flush_all(u32 tgid, struct process *p) {
  for (u32 slot = 0; slot < 128; slot++) {
    if (p->dirty[slot & 1] >> (slot >> 1) & 1) {
      struct flow_key key = {tgid, slot};
      flush(&key);
    }
  }
}

int close_call(struct bpf_raw_tracepoint_args *ctx) {
  u64 fd = 0;
  void *regs = (void *)ctx->args[0];
  GET(fd, regs, pt_regs, di);
  struct flow_key key = {};
  key.tgid = bpf_get_current_pid_tgid() >> 32;
  key.slot = (u32)fd << 1;
  flush(&key);
  key.slot |= 1;
  flush(&key);
  return 0;
}

/* Adds an operation; gives the flow when it is to be sent now. `fresh` is set on the first of a file. */
INLINE struct flow *account(struct process *p, u32 fd, u32 out, u64 inode, u64 device_mode, u64 bytes, u64 peer, u64 operations) {
  struct flow_key key = {};
  key.tgid = bpf_get_current_pid_tgid() >> 32;
  key.slot = fd << 1 | out;
  u64 now = bpf_ktime_get_ns();
  struct flow *f = flows.lookup(&key);
  if (f && (f->inode != inode || f->device_mode != device_mode || f->peer != peer)) {
    flush(&key); /* the descriptor was reused */
    f = 0;
  }
  if (!f) {
    struct flow fresh = {};
    fresh.inode = inode;
    fresh.device_mode = device_mode;
    fresh.first = now;
    fresh.fresh = 1;
    fresh.peer = peer;
    flows.update(&key, &fresh);
    f = flows.lookup(&key);
    if (!f) {
      count(FLOWS_FULL);
      return 0;
    }
    if (!out) __sync_fetch_and_add(&p->epoch, 1);
    if (fd < 64) p->dirty[out & 1] |= 1ULL << (fd & 63);
  } else {
    f->fresh = 0;
  }
  if (!f->operations) f->first = now;
  f->bytes += bytes;
  f->operations += operations;
  f->last = now;
  if (!f->fresh && now - f->sent < INTERVAL_NS && !(out && f->epoch != p->epoch)) return 0;
  f->sent = now;
  f->epoch = p->epoch;
  return f;
}

INLINE void take(struct scratch *s, struct flow *f, u32 fd, u32 out) {
  s->record.a = f->inode;
  s->record.b = f->device_mode;
  s->record.c = f->bytes;
  s->record.d = f->operations;
  s->record.e = f->first;
  s->record.ts = f->last;
  s->record.ret = fd << 1 | out;
  f->bytes = f->operations = 0;
}

int io(struct bpf_raw_tracepoint_args *ctx) {
  void *regs = (void *)ctx->args[0];
  s64 ret = ctx->args[1];
  u32 nr = 0, sockets = 0;
  struct shape *shape = shape_of(regs, &nr);
  struct process *p = traced();
  if (!shape || !p || ret <= 0) return 0;
  for (u32 out = 0; out < 2; out++) {
    u16 at = out ? shape->to : shape->from;
    if (at == NONE) continue;
    u32 fd = argument(regs, at);
    void *file = file_of(fd);
    if (!file) continue;
    u64 inode = 0, device_mode = 0;
    identify(file, &inode, &device_mode);
    if ((device_mode & 0xf000) == 0xc000) {
      sockets = 1;
      continue;
    }
    struct flow *f = account(p, fd, out, inode, device_mode, ret, 0, 1);
    if (!f) continue;
    struct scratch *s = begin(IO, nr);
    if (!s) continue;
    if (f->fresh) s->record.length[0] = walk(s, (char *)file + OFFSET(file, f_path));
    take(s, f, fd, out);
    submit(s);
  }
  u32 zero = 0;
  struct scratch *s = scratches.lookup(&zero);
  if (!sockets || !s) return 0;
  s->message = 0;
  programs.call(ctx, SOCKET_PROGRAM);
  return 0;
}
