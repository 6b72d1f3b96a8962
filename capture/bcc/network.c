/* Sockets: connections, bytes sent and received, and the few first bytes that name whom one talks to. */

#define PEEK 2048
#define MESSAGES 8
enum layout { BUFFER, VECTOR, MESSAGE, MESSAGE_VECTOR };

struct endpoint {
  u16 family, type, protocol, local_port, peer_port, spare[3];
  u64 local[2], peer[2];
};

struct chunk { u64 at, size; };
struct message { u64 name; u32 name_size, spare; u64 vector, vectors, control, control_size, flags; };

/* A write into TLS under way in a thread, and the socket that it went out by. */
struct plaintext {
  u64 at, size;
  struct endpoint end;
};

BPF_HASH(plaintexts, u64, struct plaintext, 4096);

INLINE void note_plaintext(struct endpoint *e) {
#ifdef TLS_PLAINTEXT
  u64 id = bpf_get_current_pid_tgid();
  struct plaintext *p = plaintexts.lookup(&id);
  if (p) p->end = *e;
#endif
}

INLINE void *socket_of(void *file) {
  void *socket = 0, *sk = 0;
  GET(socket, file, file, private_data);
  if (socket) GET(sk, socket, socket, sk);
  return sk;
}

INLINE void endpoints(void *sk, struct endpoint *e) {
  u16 port = 0;
  GET(e->family, sk, sock_common, skc_family);
  GET(e->type, sk, sock, sk_type);
  GET(e->protocol, sk, sock, sk_protocol);
  if (e->family == 2) {
    bpf_probe_read_kernel(e->local, 4, (char *)sk + OFFSET(sock_common, skc_rcv_saddr));
    bpf_probe_read_kernel(e->peer, 4, (char *)sk + OFFSET(sock_common, skc_daddr));
  } else if (e->family == 10) {
    bpf_probe_read_kernel(e->local, 16, (char *)sk + OFFSET(sock_common, skc_v6_rcv_saddr));
    bpf_probe_read_kernel(e->peer, 16, (char *)sk + OFFSET(sock_common, skc_v6_daddr));
  } else return;
  GET(e->local_port, sk, sock_common, skc_num);
  GET(port, sk, sock_common, skc_dport);
  e->peer_port = port >> 8 | port << 8;
}

/* A datagram's own address, where the call gave one. */
INLINE void addressed(struct endpoint *e, u64 name) {
  u16 family = 0, port = 0;
  if (!name || bpf_probe_read_user(&family, 2, (void *)name)) return;
  if (family != 2 && family != 10) return;
  bpf_probe_read_user(&port, 2, (void *)(name + 2));
  e->family = family;
  e->peer_port = port >> 8 | port << 8;
  if (family == 2) bpf_probe_read_user(e->peer, 4, (void *)(name + 4));
  else bpf_probe_read_user(e->peer, 16, (void *)(name + 8));
}

/* Data written to a Unix socket lands in the other end's inode. */
INLINE void other_end(void *sk, u64 *inode) {
  void *peer = 0, *socket = 0, *file = 0, *node = 0;
  GET(peer, sk, unix_sock, peer);
  if (peer) GET(socket, peer, sock, sk_socket);
  if (socket) GET(file, socket, socket, file);
  if (file) GET(node, file, file, f_inode);
  if (node) GET(*inode, node, inode, i_ino);
}

INLINE void place(struct scratch *s, struct endpoint *e) {
  __builtin_memcpy(s->data, e, sizeof(*e));
  s->record.length[0] = s->end = sizeof(*e);
}

/* Sends the endpoints and the first bytes of what was moved. */
INLINE void peek(u32 kind, u32 nr, struct endpoint *e, u32 out, struct chunk *c) {
  struct scratch *s = begin(kind, nr);
  if (!s) return;
  place(s, e);
  u64 n = c->size;
  if (n > PEEK - 1) {
    n = PEEK - 1;
    s->record.cut |= CUT_PAYLOAD;
  }
  BOUND(n, PEEK - 1);
  if (bpf_probe_read_user(s->data + sizeof(*e), n, (void *)c->at)) return;
  s->record.length[1] = n;
  s->record.a = out;
  s->record.c = c->size;
  s->end += n;
  submit(s);
}

/* One question, no answers yet in a query: cheap to test, seldom true of anything else. */
INLINE int like_dns(u8 *head, u32 out) {
  if (head[2] >> 3 & 15 || head[4] || head[5] != 1) return 0;
  if (head[2] & 0x80) return !out;
  return out && !head[6] && !head[7] && !head[8] && !head[9];
}

/* Over a stream a question's length goes before it, and it is all that is sent. */
INLINE int like_dns_over_stream(u8 *head, u64 size) {
  return size >= 19 && size == 2 + ((u64)head[0] << 8 | head[1]) && like_dns(head + 2, 1);
}

INLINE int like_http(u8 *h) {
  return (h[0] == 'G' && h[1] == 'E' && h[2] == 'T' && h[3] == ' ') ||
         (h[0] == 'P' && (h[1] == 'O' || h[1] == 'U' || h[1] == 'A') && (h[2] == 'S' || h[2] == 'T')) ||
         (h[0] == 'H' && h[1] == 'E' && h[2] == 'A' && h[3] == 'D') ||
         (h[0] == 'D' && h[1] == 'E' && h[2] == 'L' && h[3] == 'E') ||
         (h[0] == 'C' && h[1] == 'O' && h[2] == 'N' && h[3] == 'N') ||
         (h[0] == 'O' && h[1] == 'P' && h[2] == 'T' && h[3] == 'I');
}

/* MAIL FROM: and RCPT TO:, in capitals or not. */
INLINE int like_smtp(u8 *h) {
  u32 verb = (h[0] | 32) << 24 | (h[1] | 32) << 16 | (h[2] | 32) << 8 | (h[3] | 32);
  return h[4] == ' ' && (verb == 0x6d61696c || verb == 0x72637074);
}

INLINE void inspect(u32 nr, struct endpoint *e, u32 out, struct chunk *c) {
  u8 head[16] = {};
  u64 n = c->size < 14 ? c->size : 14;
  if (n < 5) return;
  BOUND(n, 15);
  if (n > 14 || bpf_probe_read_user(head, n, (void *)c->at)) return;
  if (e->type == 2) {
    if (like_dns(head, out)) peek(DNS, nr, e, out, c);
  } else if (e->peer_port == 53 || (out && like_dns_over_stream(head, c->size))) {
    peek(DNS, nr, e, out, c);
  } else if (out && head[0] == 0x16 && head[1] == 3 && head[5] == 1) {
    peek(TLS, nr, e, out, c);
  } else if (out && like_http(head)) {
    peek(HTTP, nr, e, out, c);
  } else if (out && like_smtp(head)) {
    peek(SMTP, nr, e, out, c);
  }
}

/* One message of a transfer; the scratch space says which, and the program calls itself for the next. */
int socket(struct bpf_raw_tracepoint_args *ctx) {
  void *regs = (void *)ctx->args[0], *file = 0, *sk = 0;
  u64 size = ctx->args[1], inode = 0, device_mode = 0, peer = 0;
  u32 nr = 0, zero = 0, out, fd = 0;
  struct shape *shape = shape_of(regs, &nr);
  struct process *p = traced();
  struct scratch *s = scratches.lookup(&zero);
  if (!shape || !p || !s) return 0;
  for (out = 0; out < 2; out++) {
    u16 at = out ? shape->to : shape->from;
    if (at == NONE) continue;
    fd = argument(regs, at);
    file = file_of(fd);
    if (!file) continue;
    identify(file, &inode, &device_mode);
    if ((device_mode & 0xf000) == 0xc000) break;
  }
  if (out == 2 || !file) return 0;
  sk = socket_of(file);
  if (!sk) return 0;
  struct endpoint e = {};
  endpoints(sk, &e);
  if (e.family == 1 && out) other_end(sk, &inode);
  else if (e.family != 1 && e.family != 2 && e.family != 10) return 0;
  u32 more = shape->layout == MESSAGE_VECTOR && s->message + 1 < size && s->message + 1 < MESSAGES;
  u64 buffer = argument(regs, shape->buffer), name = argument(regs, shape->address);
  struct chunk c = {buffer, size};
  if (shape->layout >= MESSAGE) {
    struct message m = {};
    buffer += 64 * s->message;
    bpf_probe_read_user(&m, sizeof(m), (void *)buffer);
    name = m.name;
    c.at = m.vector;
    if (shape->layout == MESSAGE_VECTOR) {
      u32 length = 0;
      bpf_probe_read_user(&length, 4, (void *)(buffer + 56));
      size = length;
    }
  }
  if (shape->layout != BUFFER) {
    u64 vector = c.at;
    bpf_probe_read_user(&c, sizeof(c), (void *)vector);
    if (c.size == 2 && size > 2) bpf_probe_read_user(&c, sizeof(c), (void *)(vector + 16)); /* DNS over TCP: its length apart */
    if (c.size > size) c.size = size;
  }
  if (e.type == 2 && e.family != 1) {
    addressed(&e, name);
    peer = e.peer[0] ^ e.peer[1] ^ (u64)e.peer_port << 48;
  }
  if (out) note_plaintext(&e);
  if (e.family != 1 && shape->buffer != NONE) inspect(nr, &e, out, &c);
  struct flow *f = account(p, fd, out, inode, device_mode, size, peer, 1);
  if (f && (s = begin(IO, nr))) {
    place(s, &e);
    take(s, f, fd, out);
    submit(s);
  }
  if (!more || !s) return 0;
  s->message++;
  programs.call(ctx, SOCKET_PROGRAM);
  return 0;
}

/* connect, bind and accept: the socket's endpoints, then the address as the call gave it. */
int address(struct bpf_raw_tracepoint_args *ctx) {
  void *regs = (void *)ctx->args[0], *file = 0, *sk = 0;
  s64 ret = ctx->args[1];
  u32 nr = 0;
  struct shape *shape = shape_of(regs, &nr);
  if (!shape || !traced()) return 0;
  if (shape->result && ret < 0) return 0;
  struct endpoint e = {};
  u64 inode = 0, device_mode = 0;
  file = file_of(shape->result ? (u64)ret : argument(regs, shape->fd));
  if (file) {
    identify(file, &inode, &device_mode);
    if ((device_mode & 0xf000) == 0xc000) sk = socket_of(file);
  }
  if (sk) endpoints(sk, &e);
  struct scratch *s = begin(ADDRESS, nr);
  if (!s) return 0;
  place(s, &e);
  s->record.ret = ret;
  s->record.a = inode;
  s->record.b = device_mode;
  u64 at = argument(regs, shape->address), n = 0;
  if (at && shape->address_length != NONE) {
    n = argument(regs, shape->address_length) & 0xffffffff;
    if (n > 110) n = 110;
    BOUND(n, 127);
    if (bpf_probe_read_user(s->data + sizeof(e), n, (void *)at)) n = 0;
  }
  s->record.length[1] = n;
  s->end += n;
  if (n > 2 && s->data[sizeof(e)] == 1 && s->data[sizeof(e) + 2] && s->data[sizeof(e) + 2] != '/') {
    void *task = (void *)bpf_get_current_task(), *fs = 0; /* a Unix socket's relative path */
    GET(fs, task, task_struct, fs);
    s->record.length[2] = walk(s, (char *)fs + OFFSET(fs_struct, pwd));
  }
  submit(s);
  return 0;
}
