// A file in memory.
#pragma once
#include <stddef.h>

struct file {
  const char *name; // without its folder
  char *data;
  size_t size;
};

// Reads the whole file. Fails the program when it cannot.
struct file file_read(const char *path);
