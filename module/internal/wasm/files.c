// The files of a guest: what it has open, and what all that lies in its private directory counts against its quota.
// A file counts its size, holes included, and every name WOE_ENTRY_BYTES. Nothing is counted twice: what is written over
// counts nothing, and a file without a name counts until its last descriptor is closed.

#include "files.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

// woe_files_new gives an instance its private directory, which must stay open as long as the instance lives.
bool woe_files_new(woe_instance *i, woe_directory *directory) {
  woe_files *f = calloc(1, sizeof *f);
  if (!f) return false;
  f->directory = directory;
  f->limit = i->limits.state_bytes;
  f->openat2 = woe_has_openat2(directory->fd);
  for (int n = 1; n <= OPEN_FILES_MAX; n++) f->open[n].fd = -1;
  f->open[0] = (woe_file){.fd = directory->fd, .directory = true, .rights = UINT32_MAX >> 3};
  i->files = f;
  return true;
}

// woe_files_close closes what the guest left open; its private directory stays.
void woe_files_close(woe_instance *i) {
  if (!i->files) return;
  for (int n = 1; n <= OPEN_FILES_MAX; n++)
    if (i->files->open[n].fd >= 0) woe_file_close(i->files, &i->files->open[n]);
}

void woe_files_delete(woe_instance *i) {
  woe_files_close(i);
  free(i->files);
  i->files = NULL;
}

// woe_file_of returns what the guest has open as descriptor, or NULL.
woe_file *woe_file_of(woe_instance *i, uint32_t descriptor) {
  if (!i->files || descriptor < FIRST_FILE || descriptor > FIRST_FILE + OPEN_FILES_MAX) return NULL;
  woe_file *file = &i->files->open[descriptor - FIRST_FILE];
  return file->fd >= 0 ? file : NULL;
}

// woe_file_room finds a free descriptor. Those of all guests are bounded together too: the host needs some.
int32_t woe_file_room(woe_files *f, uint32_t *descriptor) {
  const woe_descriptors *all = f->directory->descriptors;
  if (__atomic_load_n(&all->open, __ATOMIC_RELAXED) >= all->max) return NFILE;
  for (uint32_t n = 1; n <= OPEN_FILES_MAX; n++) {
    if (f->open[n].fd >= 0) continue;
    *descriptor = FIRST_FILE + n;
    return SUCCESS;
  }
  return MFILE;
}

void woe_file_opened(woe_files *f, uint32_t descriptor, woe_file file) {
  __atomic_add_fetch(&f->directory->descriptors->open, 1, __ATOMIC_RELAXED);
  f->open[descriptor - FIRST_FILE] = file;
}

static bool is_open(const woe_files *f, uint64_t inode) {
  for (int n = 1; n <= OPEN_FILES_MAX; n++)
    if (f->open[n].fd >= 0 && !f->open[n].directory && f->open[n].inode == inode) return true;
  return false;
}

void woe_file_close(woe_files *f, woe_file *file) {
  struct stat st = {0};
  if (file->orphan) fstat(file->fd, &st);
  close(file->fd);
  file->fd = -1;
  if (file->orphan && !is_open(f, file->inode)) woe_files_give_back(f, st.st_size);
  __atomic_sub_fetch(&f->directory->descriptors->open, 1, __ATOMIC_RELAXED);
}

// woe_files_charge counts bytes that are about to be added, if there is room for them. None fit everywhere: the quota may
// have become smaller than what is there.
bool woe_files_charge(woe_files *f, int64_t bytes) {
  if (bytes == 0) return true;
  if (bytes > f->limit) return false;
  if (__atomic_add_fetch(&f->directory->used, bytes, __ATOMIC_RELAXED) <= f->limit) return true;
  woe_files_give_back(f, bytes);
  return false;
}

void woe_files_give_back(woe_files *f, int64_t bytes) {
  __atomic_sub_fetch(&f->directory->used, bytes, __ATOMIC_RELAXED);
}

// woe_files_gone counts a name that was removed, and what it stood for.
void woe_files_gone(woe_files *f, const struct stat *st) {
  woe_files_give_back(f, WOE_ENTRY_BYTES);
  if (!S_ISREG(st->st_mode)) return;
  if (!is_open(f, st->st_ino)) woe_files_give_back(f, st->st_size);
  for (int n = 1; n <= OPEN_FILES_MAX; n++)
    if (!f->open[n].directory && f->open[n].inode == st->st_ino) f->open[n].orphan = true;
}

// shorten leaves the first len bytes of vectors and returns how many they are.
static size_t shorten(struct iovec *vectors, size_t count, size_t len) {
  size_t n = 0;
  for (; n < count && len; n++) {
    if (vectors[n].iov_len > len) vectors[n].iov_len = len;
    len -= vectors[n].iov_len;
  }
  return n;
}

// woe_file_write_at writes as much as there is room for.
int32_t woe_file_write_at(woe_files *f, const woe_file *file, struct iovec *vectors, size_t count, int64_t offset,
                          size_t *written) {
  struct stat st;
  int64_t len = 0;
  for (size_t n = 0; n < count; n++) len += (int64_t)vectors[n].iov_len;
  if (offset < 0 || offset > INT64_MAX - len) return FBIG;
  if (fstat(file->fd, &st) < 0) return woe_file_errno(errno);
  int64_t added = len && offset + len > st.st_size ? offset + len - st.st_size : 0;
  int64_t room = f->limit - __atomic_load_n(&f->directory->used, __ATOMIC_RELAXED);
  if (added && added > room) {
    if (room <= 0 || len <= added - room) return NOSPC;
    len -= added - room;
    added = room;
    count = shorten(vectors, count, (size_t)len);
  }
  if (!woe_files_charge(f, added)) return NOSPC;
  ssize_t done = pwritev(file->fd, vectors, (int)count, offset);
  int32_t error = done < 0 ? woe_file_errno(errno) : SUCCESS;
  int64_t missing = done < len ? len - (done > 0 ? done : 0) : 0; // at the end of what was to be written
  if (missing) woe_files_give_back(f, done <= 0 || missing > added ? added : missing);
  *written = done > 0 ? (size_t)done : 0;
  return error;
}

// woe_file_resize cuts a file off or lets it grow by a hole, which counts as if it were written.
int32_t woe_file_resize(woe_files *f, int fd, int64_t size) {
  struct stat st;
  if (size < 0) return FBIG;
  if (fstat(fd, &st) < 0) return woe_file_errno(errno);
  int64_t added = size - st.st_size;
  if (added > 0 && !woe_files_charge(f, added)) return NOSPC;
  if (ftruncate(fd, size) < 0) {
    int32_t error = woe_file_errno(errno);
    if (added > 0) woe_files_give_back(f, added);
    return error;
  }
  if (added < 0) woe_files_give_back(f, -added);
  return SUCCESS;
}

// woe_file_errno returns the number that WASI has for an error of the host; what is not a guest's business is an I/O error.
int32_t woe_file_errno(int error) {
  static const struct {
    int host, wasi;
  } known[] = {
      {EACCES, ACCES},   {EBADF, BADF},     {EBUSY, BUSY},   {EEXIST, EXIST}, {EFBIG, FBIG},     {EINVAL, INVAL},
      {EISDIR, ISDIR},   {ELOOP, LOOP},     {EMFILE, NFILE}, {ENFILE, NFILE}, {ENOENT, NOENT},   {ENAMETOOLONG, NAMETOOLONG},
      {ENOMEM, NOMEM},   {ENOSPC, NOSPC},   {EDQUOT, NOSPC}, {EROFS, ROFS},   {ENOTDIR, NOTDIR}, {ENOTEMPTY, NOTEMPTY},
      {EOPNOTSUPP, NOTSUP}, {EPERM, PERM},  {EXDEV, XDEV},
  };
  for (size_t n = 0; n < sizeof known / sizeof *known; n++)
    if (known[n].host == error) return known[n].wasi;
  return IO;
}
