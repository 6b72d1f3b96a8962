/* Plaintext at OpenSSL's door: what a process gives to SSL_write, told when the call succeeded. */

#include <uapi/linux/ptrace.h>

/* Called by SSL_write(ssl, buffer, size) and SSL_write_ex(ssl, buffer, size, written). */
int tls_write(struct pt_regs *ctx) {
  if (!traced()) return 0;
  u64 id = bpf_get_current_pid_tgid();
  struct plaintext p = {};
  p.at = PT_REGS_PARM2(ctx);
  p.size = PT_REGS_PARM3(ctx);
  plaintexts.update(&id, &p);
  return 0;
}

int tls_written(struct pt_regs *ctx) {
  u64 id = bpf_get_current_pid_tgid();
  struct plaintext *p = plaintexts.lookup(&id);
  if (!p) return 0;
  struct chunk c = {p->at, p->size};
  struct endpoint e = p->end;
  plaintexts.delete(&id);
  if ((int)PT_REGS_RC(ctx) > 0) peek(PLAINTEXT, 0, &e, 1, &c);
  return 0;
}
