/* From a descriptor to its file, and from a file or directory to its absolute path. */

INLINE void *file_of(u64 fd) {
  void *task = (void *)bpf_get_current_task(), *files = 0, *table = 0, *file = 0;
  char *slots = 0;
  u32 size = 0;
  GET(files, task, task_struct, files);
  GET(table, files, files_struct, fdt);
  GET(size, table, fdtable, max_fds);
  if ((u32)fd >= size) return 0;
  GET(slots, table, fdtable, fd);
  bpf_probe_read_kernel(&file, sizeof(file), slots + 8 * (u64)(u32)fd);
  return file;
}

/* inode number, and device << 32 | mode */
INLINE void identify(void *file, u64 *number, u64 *device_mode) {
  void *inode = 0, *super = 0;
  u32 device = 0;
  u16 mode = 0;
  GET(inode, file, file, f_inode);
  GET(*number, inode, inode, i_ino);
  GET(mode, inode, inode, i_mode);
  GET(super, inode, inode, i_sb);
  GET(device, super, super_block, s_dev);
  *device_mode = (u64)device << 32 | mode;
}

/* Appends the path's names, leaf first, each ended by NUL, crossing mounts; gives the bytes appended. */
INLINE u32 walk(struct scratch *s, void *path) {
  void *dentry = 0, *mount = 0, *root = 0, *parent = 0;
  u64 from = s->end;
  GET(dentry, path, path, dentry);
  GET(mount, path, path, mnt);
  for (int depth = 0; depth < 40; depth++) {
    if (!dentry || !mount) return s->end - from;
    int alone = 0;
    GET(root, mount, vfsmount, mnt_root);
    GET(parent, dentry, dentry, d_parent);
    if (dentry == root || dentry == parent) {
      char *m = (char *)mount - OFFSET(mount, mnt), *above = 0;
      GET(above, m, mount, mnt_parent);
      if (above && above != m) {
        GET(dentry, m, mount, mnt_mountpoint);
        mount = above + OFFSET(mount, mnt);
        continue;
      }
      if (s->end != from) return s->end - from;
      alone = 1; /* it lies in no directory, such as a memfd: its own name is all there is */
    }
    const char *name = 0;
    u64 at = s->end;
    if (at >= DATA_LIMIT) break;
    BOUND(at, DATA_MASK);
    bpf_probe_read_kernel(&name, sizeof(name), (char *)dentry + OFFSET(dentry, d_name) + OFFSET(qstr, name));
    long n = bpf_probe_read_kernel_str(s->data + at, 256, name);
    if (n <= 0) break;
    s->end = at + n;
    if (alone) return s->end - from;
    dentry = parent;
  }
  s->record.cut |= CUT_PATH;
  return s->end - from;
}

/* Appends a string of the process; gives the bytes appended. */
INLINE u32 text(struct scratch *s, u64 pointer) {
  u64 at = s->end;
  if (at >= DATA_LIMIT) return 0;
  BOUND(at, DATA_MASK);
  long n = bpf_probe_read_user_str(s->data + at, 4096, (void *)pointer);
  if (n <= 0) return 0;
  s->end = at + n;
  return n;
}
