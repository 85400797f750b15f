#define _GNU_SOURCE
#include "file.h"
#include "net.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct file file_read(const char *path) {
  struct stat info;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &info)) fail("cannot open %s: %m", path);
  struct file file = {basename(path), malloc(info.st_size + 1), info.st_size};
  if (!file.data || read(fd, file.data, file.size) != (ssize_t)file.size) fail("cannot read %s: %m", path);
  close(fd);
  return file;
}
