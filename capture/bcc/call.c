/* System calls, seen at their return: the registers still hold the arguments. */

#define AT_REGISTER(regs, offset, to) bpf_probe_read_kernel(&(to), 8, (char *)(regs) + (offset))
#define TS_COMPAT 2

RAW_TRACEPOINT_PROBE(sys_exit) {
  if (!traced()) return 0;
  void *regs = (void *)ctx->args[0], *task = (void *)bpf_get_current_task();
  u64 nr = 0;
  u32 status = 0;
  GET(nr, regs, pt_regs, orig_ax);
  bpf_probe_read_kernel(&status, 4, (char *)task + OFFSET(task_struct, thread_info) + OFFSET(thread_info, status));
  if (status & TS_COMPAT) {
    count(COMPAT32);
    return 0;
  }
  calls.call(ctx, nr);
  return 0;
}

INLINE struct shape *shape_of(void *regs, u32 *nr) {
  u64 n = 0;
  GET(n, regs, pt_regs, orig_ax);
  *nr = n;
  return shapes.lookup(nr);
}

INLINE u64 argument(void *regs, u16 offset) {
  u64 value = 0;
  if (offset != NONE) AT_REGISTER(regs, offset, value);
  return value;
}

/* A path argument, then the directory it starts from when it is relative. */
INLINE void path_argument(struct scratch *s, void *regs, u16 path, u16 directory, int part) {
  if (path == NONE) return;
  char first = 0;
  u64 pointer = argument(regs, path);
  bpf_probe_read_user(&first, 1, (void *)pointer);
  s->record.length[part] = text(s, pointer);
  if (first == '/') return;
  int fd = -100;
  if (directory != NONE) fd = (int)argument(regs, directory);
  if (fd == -100) {
    void *task = (void *)bpf_get_current_task(), *fs = 0;
    GET(fs, task, task_struct, fs);
    s->record.length[part + 1] = walk(s, (char *)fs + OFFSET(fs_struct, pwd));
  } else {
    void *file = file_of(fd);
    if (file) s->record.length[part + 1] = walk(s, (char *)file + OFFSET(file, f_path));
  }
}

/* Any system call that a shape describes: what it names, what it returned, and the file behind it. */
int call(struct bpf_raw_tracepoint_args *ctx) {
  void *regs = (void *)ctx->args[0], *file = 0;
  s64 ret = ctx->args[1];
  u32 nr = 0;
  struct shape *shape = shape_of(regs, &nr);
  if (!shape || (ret <= -512 && ret >= -516)) return 0; /* will be restarted, and seen then */
  if (!traced()) return 0;
  struct scratch *s = begin(CALL, nr);
  if (!s) return 0;
  s->record.ret = ret > 0 ? 0 : ret; /* which descriptor it is tells nothing */
  s->record.c = argument(regs, shape->x);
  s->record.d = argument(regs, shape->y);
  if (shape->pointer) {
    u64 value = 0;
    bpf_probe_read_user(&value, 8, (void *)s->record.c);
    s->record.c = value;
  }
  if (shape->result && ret >= 0) file = file_of(ret);
  else if (shape->fd != NONE) file = file_of(argument(regs, shape->fd));
  if (file) {
    identify(file, &s->record.a, &s->record.b);
    GET(s->record.e, file, file, f_mode);
    s->record.e &= 0xffffffff;
    s->record.length[0] = walk(s, (char *)file + OFFSET(file, f_path));
    s->record.e |= 1ULL << 63; /* the path is the file's own */
  } else {
    path_argument(s, regs, shape->path, shape->directory, 0);
    path_argument(s, regs, shape->path2, shape->directory2, 2);
  }
  submit(s);
  return 0;
}

/* Only a shared mapping that may be written changes a file. */
int map(struct bpf_raw_tracepoint_args *ctx) {
  void *regs = (void *)ctx->args[0];
  u64 protection = 0, flags = 0;
  GET(protection, regs, pt_regs, dx);
  GET(flags, regs, pt_regs, r10);
  if (!(protection & 2) || !(flags & 1) || (flags & 0x20) || (s64)ctx->args[1] < 0) return 0;
  programs.call(ctx, CALL_PROGRAM);
  return 0;
}

int io_uring(struct bpf_raw_tracepoint_args *ctx) {
  s64 submitted = ctx->args[1];
  u32 which = IO_URING;
  u64 *n = counters.lookup(&which);
  if (n && submitted > 0) *n += submitted;
  return 0;
}

/* An exec that succeeds is seen at sched_process_exec. */
int failed_exec(struct bpf_raw_tracepoint_args *ctx) {
  if ((s64)ctx->args[1] < 0) programs.call(ctx, CALL_PROGRAM);
  return 0;
}
