// What the files about a guest's private directory share: the table of what it has open, and where a path leads.
// Functions that can go wrong return an error number of WASI.

#ifndef WOE_FILES_H
#define WOE_FILES_H

#include "wasi.h"

#include <sys/stat.h>
#include <sys/uio.h>

enum {
  FIRST_FILE = 3,      // the guest's descriptor of its private directory
  OPEN_FILES_MAX = 32, // besides it
  FILE_NAME_MAX = 255,
  FILE_PATH_MAX = 4096,
  VECTORS_MAX = 64, // of one read or write; more make it a short one
  FILESTAT_SIZE = 64,
  FLAGS_ALL = 31, // of an open file
};

// Something that the guest has open.
typedef struct {
  int fd; // -1: this descriptor is free
  bool directory;
  bool orphan;     // the file has no name any more, and goes with its last descriptor
  uint8_t depth;   // of a directory: 0 for the private one
  uint16_t flags;  // as the guest gave them
  uint64_t rights; // likewise
  uint64_t inode;
  int64_t offset; // of a file
} woe_file;

typedef struct woe_files {
  woe_directory *directory;
  int64_t limit;
  bool openat2;                    // the kernel has it
  woe_file open[1 + OPEN_FILES_MAX]; // the private directory first; that one stays open
} woe_files;

// files.c
woe_file *woe_file_of(woe_instance *, uint32_t descriptor);
int32_t woe_file_room(woe_files *, uint32_t *descriptor);
void woe_file_opened(woe_files *, uint32_t descriptor, woe_file);
void woe_file_close(woe_files *, woe_file *);
bool woe_files_charge(woe_files *, int64_t bytes);
void woe_files_give_back(woe_files *, int64_t bytes);
void woe_files_gone(woe_files *, const struct stat *);
int32_t woe_file_write_at(woe_files *, const woe_file *, struct iovec *, size_t count, int64_t offset, size_t *written);
int32_t woe_file_resize(woe_files *, int fd, int64_t size);
int32_t woe_file_errno(int errno_);

// Where a path leads: to a name in a directory. The private directory itself is the name "." in it.
typedef struct {
  int dir;
  bool opened;   // dir was opened for this place
  bool slash;    // the path ended in a slash: only a directory will do
  uint8_t depth; // of what the name stands for
  char name[FILE_NAME_MAX + 1];
} woe_place;

// path.c
bool woe_has_openat2(int dir);
int32_t woe_place_find(const woe_files *, const woe_file *from, const uint8_t *path, uint32_t len, woe_place *);
void woe_place_leave(woe_place *);

// listing.c
void woe_filestat(uint8_t *, const struct stat *);
int32_t woe_directory_list(int fd, int64_t cookie, uint8_t *to, uint32_t cap, uint32_t *len);

#endif
