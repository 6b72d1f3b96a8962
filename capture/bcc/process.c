/* Processes: fork, exec, exit and the signals they send each other. */

#define ENVIRONMENT_VARIABLES 512

BPF_HASH(environment_prefixes, u64, u32, 64); /* first 8 bytes of the names that may leave the kernel */

RAW_TRACEPOINT_PROBE(sched_process_fork) {
  void *parent = (void *)ctx->args[0], *child = (void *)ctx->args[1];
  u32 parent_tgid = 0, child_tgid = 0, child_pid = 0;
  GET(parent_tgid, parent, task_struct, tgid);
  struct process *p = tree.lookup(&parent_tgid);
  if (!p) return 0;
  GET(child_tgid, child, task_struct, tgid);
  GET(child_pid, child, task_struct, pid);
  if (child_tgid != child_pid) return 0; /* a thread */
  struct process q = {};
  q.root = p->root;
  if (tree.update(&child_tgid, &q)) count(TREE_FULL);
  struct scratch *s = begin(FORK, 0);
  if (!s) return 0;
  s->record.a = child_tgid;
  GET(s->record.b, child, task_struct, start_boottime);
  submit(s);
  return 0;
}

/* Appends the variables whose name begins like an allowed one; all others stay where they are. */
INLINE u32 environment(struct scratch *s, void *mm) {
  u64 at = 0, stop = 0, from = s->end;
  GET(at, mm, mm_struct, env_start);
  GET(stop, mm, mm_struct, env_end);
  for (int i = 0; i < ENVIRONMENT_VARIABLES; i++) {
    u64 to = s->end, prefix = 0;
    if (at >= stop || to >= DATA_LIMIT) return to - from;
    BOUND(to, DATA_MASK);
    long n = bpf_probe_read_user_str(s->data + to, 1024, (void *)at);
    if (n <= 0) return to - from;
    if (n == 1024) s->record.cut |= CUT_ENVIRONMENT;
    at += n;
    if (n <= 8) continue;
    bpf_probe_read_kernel(&prefix, sizeof(prefix), s->data + to);
    if (environment_prefixes.lookup(&prefix)) s->end = to + n;
  }
  s->record.cut |= CUT_ENVIRONMENT;
  return s->end - from;
}

RAW_TRACEPOINT_PROBE(sched_process_exec) {
  u32 tgid = bpf_get_current_pid_tgid() >> 32;
  struct process *p = tree.lookup(&tgid);
  if (!p) return 0;
  p->quiet = 0;
  void *task = (void *)ctx->args[0], *binary = (void *)ctx->args[2];
  struct scratch *s = begin(EXEC, 59);
  if (!s) return 0;
  void *mm = 0, *file = 0, *fs = 0;
  u64 from = 0, to = 0, n;
  GET(mm, task, task_struct, mm);
  GET(from, mm, mm_struct, arg_start);
  GET(to, mm, mm_struct, arg_end);
  n = to - from;
  s->record.c = n;
  if (n > ARGUMENT_BYTES) {
    n = ARGUMENT_BYTES;
    s->record.cut |= CUT_ARGUMENTS;
  }
  BOUND(n, 0x1fff);
  if (bpf_probe_read_user(s->data, n, (void *)from)) n = 0;
  s->end = n;
  s->record.length[0] = n;
  GET(file, binary, linux_binprm, file);
  identify(file, &s->record.a, &s->record.b);
  s->record.length[1] = walk(s, (char *)file + OFFSET(file, f_path));
  GET(fs, task, task_struct, fs);
  s->record.length[2] = walk(s, (char *)fs + OFFSET(fs_struct, pwd));
  s->record.length[3] = environment(s, mm);
  submit(s);
  return 0;
}

RAW_TRACEPOINT_PROBE(sched_process_exit) {
  u32 tgid = bpf_get_current_pid_tgid() >> 32;
  struct process *p = tree.lookup(&tgid);
  if (!p) return 0;
  void *task = (void *)ctx->args[0], *signal = 0;
  int code = 0, live = 0;
  GET(signal, task, task_struct, signal);
  GET(live, signal, signal_struct, live);
  if (live) return 0; /* other threads go on */
  flush_all(tgid, p);
  struct scratch *s = begin(EXIT, 0);
  if (s && !p->quiet) {
    GET(code, task, task_struct, exit_code);
    s->record.ret = code;
    submit(s);
  }
  tree.delete(&tgid);
  return 0;
}

RAW_TRACEPOINT_PROBE(signal_generate) {
  if (!traced()) return 0;
  void *info = (void *)ctx->args[1], *target = (void *)ctx->args[2], *leader = 0;
  int code = 1;
  if ((u64)info <= 2) return 0; /* the kernel's own */
  GET(code, info, kernel_siginfo, si_code);
  if (code > 0) return 0;
  struct scratch *s = begin(SIGNAL, 0);
  if (!s) return 0;
  s->record.a = ctx->args[0];
  GET(s->record.b, target, task_struct, tgid);
  s->record.b &= 0xffffffff;
  GET(leader, target, task_struct, group_leader);
  GET(s->record.c, leader, task_struct, start_boottime);
  submit(s);
  return 0;
}
