#include "bulk.h"
#include "net.h"
#include "pattern.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADER = 16, TEXT = 128 };

static void print_rate(uint64_t bytes, double seconds) {
  printf("{\"mbitPerSecond\":%.1f}\n", bytes * 8 / 1e6 / seconds);
}

static int connect_or_fail(const char *host, uint16_t port) {
  int fd = net_connect(host, port);
  if (fd < 0) fail("cannot connect to %s:%u: %m", host, port);
  return fd;
}

void bulk_down(const char *host, uint16_t port, uint64_t mebibytes) {
  uint64_t size = mebibytes << 20, have = 0;
  uint64_t block[PATTERN_BLOCK / 8];
  char request[TEXT], header[HEADER + 1] = "", expected[HEADER + 1];
  int length = snprintf(request, TEXT, "GET bytes\nSize: %llu\nResponseHeader: fixed16\n\n",
                        (unsigned long long)size);
  snprintf(expected, sizeof expected, "200 %11llu\n", (unsigned long long)size);

  double start = now();
  int fd = connect_or_fail(host, port);
  if (net_send(fd, request, length)) fail("cannot send the request: %m");
  if (net_receive(fd, header, HEADER) < 0) fail("no answer: %m");
  if (strcmp(header, expected) != 0) fail("wrong header: %s", header);
  for (uint64_t number = 0;; number++) {
    ssize_t got = net_receive(fd, block, PATTERN_BLOCK);
    if (got < 0) fail("after %llu bytes: %m", (unsigned long long)have);
    if (!pattern_matches(block, number, got)) fail("wrong bytes after %llu", (unsigned long long)have);
    have += got;
    if (got < PATTERN_BLOCK) break;
  }
  double seconds = now() - start;
  close(fd);
  if (have != size)
    fail("%llu bytes came instead of %llu", (unsigned long long)have, (unsigned long long)size);
  print_rate(size, seconds);
}

void bulk_up(const char *host, uint16_t port, uint64_t mebibytes) {
  uint64_t size = mebibytes << 20;
  uint64_t block[PATTERN_BLOCK / 8];
  char answer[TEXT] = "", expected[TEXT], count[32];
  int digits = snprintf(count, sizeof count, "%llu\n", (unsigned long long)size);
  snprintf(expected, sizeof expected, "200 %11d\n%s", digits, count);

  double start = now();
  int fd = connect_or_fail(host, port);
  if (net_send(fd, "SINK\n\n", 6)) fail("cannot send the request: %m");
  for (uint64_t number = 0; number < size / PATTERN_BLOCK; number++) {
    pattern_fill(block, number, PATTERN_BLOCK);
    if (net_send(fd, block, PATTERN_BLOCK)) fail("after %llu blocks: %m", (unsigned long long)number);
  }
  if (shutdown(fd, SHUT_WR)) fail("cannot end the stream: %m");
  if (net_receive(fd, answer, TEXT - 1) < 0) fail("no answer to the stream: %m");
  double seconds = now() - start;
  close(fd);
  if (strcmp(answer, expected) != 0) fail("the stream did not arrive whole: %s", answer);
  print_rate(size, seconds);
}
