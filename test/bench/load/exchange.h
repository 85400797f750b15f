// Requests and answers, over and over, on one or more connections at once.
#pragma once
#include "file.h"
#include <stdbool.h>
#include <stdint.h>

struct exchange {
  const char *host;
  uint16_t port;
  int connections;
  double seconds;
  double interval; // seconds from one request of a connection to its next; 0: as soon as it is answered
  bool keep; // one connection for all requests of a thread, or a new one for each
  struct file request;
  struct file answer; // every byte of it is checked
};

// Prints how many exchanges were made, how many a second, and how long they took (median and 99th
// percentile in milliseconds). Fails the program if any goes wrong.
void exchange(const struct exchange *plan);
