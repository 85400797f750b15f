// What it answers:
//
//   GET NAME             the file of that name, as it is
//   GET echo             the request itself
//   GET bytes, Size: N   a fixed16 header and the first N bytes of the test pattern
//   SINK, Warm: N        everything behind the request is the test pattern: how many bytes came, and how many
//                        Mbit/s it were from N seconds after the request on
//
// With "KeepAlive: on" the connection stays open for the next request, otherwise it is closed.
#define _GNU_SOURCE
#include "server.h"
#include "file.h"
#include "meter.h"
#include "net.h"
#include "pattern.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_LIMIT = 4096, HEADER = 16, STACK = 512 * 1024 };

static struct file *tables;
static int table_count;

struct connection {
  int fd;
  size_t held; // bytes in `text`: the request and what has come behind it
  char text[REQUEST_LIMIT + 1];
};

// The length of the next request, its empty line included. 0 when none comes any more.
static size_t next_request(struct connection *connection) {
  for (;;) {
    char *end = memmem(connection->text, connection->held, "\n\n", 2);
    if (end) return end + 2 - connection->text;
    if (connection->held == REQUEST_LIMIT) return 0;
    char *free = connection->text + connection->held;
    ssize_t got = recv(connection->fd, free, REQUEST_LIMIT - connection->held, 0);
    if (got <= 0) return 0;
    connection->held += got;
    connection->text[connection->held] = 0;
  }
}

static int answer(int fd, int status, const void *body, size_t bytes, size_t whole) {
  char header[HEADER + 1];
  snprintf(header, sizeof header, "%3d %11zu\n", status, whole);
  return net_send_both(fd, header, HEADER, body, bytes);
}

static int answer_pattern(int fd, size_t size) {
  uint64_t block[PATTERN_BLOCK / 8];
  size_t part = size < PATTERN_BLOCK ? size : PATTERN_BLOCK;
  pattern_fill(block, 0, part);
  if (answer(fd, 200, block, part, size)) return -1;
  for (uint64_t number = 1; size -= part; number++) {
    part = size < PATTERN_BLOCK ? size : PATTERN_BLOCK;
    pattern_fill(block, number, part);
    if (net_send(fd, block, part)) return -1;
  }
  return 0;
}

// Counts and checks what comes; `early` came together with the request.
static int sink(int fd, double warm, const char *early, size_t early_bytes) {
  uint64_t block[PATTERN_BLOCK / 8];
  uint64_t total = 0;
  struct meter meter = meter_from(warm);
  bool right = true;
  memcpy(block, early, early_bytes);
  for (uint64_t number = 0;; number++, early_bytes = 0) {
    ssize_t got = net_receive(fd, (char *)block + early_bytes, PATTERN_BLOCK - early_bytes);
    if (got < 0) return -1;
    size_t part = early_bytes + got;
    right = right && pattern_matches(block, number, part);
    total += part;
    meter_count(&meter, part);
    if (part < PATTERN_BLOCK) break;
  }
  if (!right) return answer(fd, 500, "wrong bytes\n", 12, 12);
  char result[64];
  int bytes = snprintf(result, sizeof result, "%llu %.1f\n", (unsigned long long)total, meter_rate(&meter));
  return answer(fd, 200, result, bytes, bytes);
}

static bool asks_for(const char *request, const char *line) {
  return strncmp(request, line, strlen(line)) == 0;
}

static const struct file *table_of(const char *request) {
  if (!asks_for(request, "GET ")) return NULL;
  size_t length = strcspn(request + 4, "\n");
  for (int i = 0; i < table_count; i++)
    if (strlen(tables[i].name) == length && !strncmp(tables[i].name, request + 4, length)) return &tables[i];
  return NULL;
}

// Answers one request; says whether the connection is to stay open.
static bool handle(struct connection *connection, size_t length) {
  const char *request = connection->text;
  int fd = connection->fd;
  const char *warm = memmem(request, length, "\nWarm: ", 7);
  if (asks_for(request, "SINK\n") && warm) {
    sink(fd, strtod(warm + 7, NULL), request + length, connection->held - length);
    return false;
  }
  const char *size = memmem(request, length, "\nSize: ", 7);
  const struct file *table = table_of(request);
  int failed;
  if (table) failed = net_send(fd, table->data, table->size);
  else if (asks_for(request, "GET echo\n")) failed = net_send(fd, request, length);
  else if (asks_for(request, "GET bytes\n") && size) failed = answer_pattern(fd, strtoull(size + 7, NULL, 10));
  else failed = answer(fd, 404, "no such table\n", 14, 14);
  return !failed && memmem(request, length, "\nKeepAlive: on\n", 15);
}

static void *converse(void *argument) {
  struct connection connection = {.fd = (int)(intptr_t)argument};
  net_prepare(connection.fd);
  for (size_t length; (length = next_request(&connection)) > 0;) {
    if (!handle(&connection, length)) break;
    connection.held -= length;
    memmove(connection.text, connection.text + length, connection.held + 1);
  }
  close(connection.fd);
  return NULL;
}

_Noreturn void serve(const char *host, char **files, int count) {
  tables = calloc(count, sizeof *tables);
  if (!tables) fail("out of memory");
  table_count = count;
  for (int i = 0; i < count; i++) tables[i] = file_read(files[i]);
  uint16_t port;
  int listener = net_listen(host, &port);
  pthread_attr_t detached;
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&detached, STACK);
  printf("%u\n", port);
  fflush(stdout);
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) continue;
    pthread_t thread;
    if (pthread_create(&thread, &detached, converse, (void *)(intptr_t)fd)) close(fd);
  }
}
