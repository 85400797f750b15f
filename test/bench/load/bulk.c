#include "bulk.h"
#include "meter.h"
#include "net.h"
#include "pattern.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADER = 16, TEXT = 128 };

// What no stream of limited time comes to the end of: the most that a fixed16 header can say.
static const uint64_t ENDLESS = 99999999999;

static void print_rate(double mbit_per_second) { printf("{\"mbitPerSecond\":%.2f}\n", mbit_per_second); }

static double mbit(uint64_t bytes) { return bytes * 8 / 1e6; }

static int connect_or_fail(const char *host, uint16_t port) {
  int fd = net_connect(host, port);
  if (fd < 0) fail("cannot connect to %s:%u: %m", host, port);
  return fd;
}

// Asks for so many bytes of the pattern and takes the answer's header.
static int ask_for(uint64_t size, const char *host, uint16_t port) {
  char request[TEXT], header[HEADER + 1] = "", expected[HEADER + 1];
  int length = snprintf(request, TEXT, "GET bytes\nSize: %llu\nResponseHeader: fixed16\n\n",
                        (unsigned long long)size);
  snprintf(expected, sizeof expected, "200 %11llu\n", (unsigned long long)size);
  int fd = connect_or_fail(host, port);
  if (net_send(fd, request, length)) fail("cannot send the request: %m");
  if (net_receive(fd, header, HEADER) < 0) fail("no answer: %m");
  if (strcmp(header, expected) != 0) fail("wrong header: %s", header);
  return fd;
}

// Receives and checks a block; less than PATTERN_BLOCK bytes are the last ones.
static size_t take_block(int fd, uint64_t number) {
  uint64_t block[PATTERN_BLOCK / 8];
  ssize_t got = net_receive(fd, block, PATTERN_BLOCK);
  if (got < 0) fail("after %llu blocks: %m", (unsigned long long)number);
  if (!pattern_matches(block, number, got)) fail("wrong bytes after %llu blocks", (unsigned long long)number);
  return got;
}

void bulk_down(const char *host, uint16_t port, uint64_t mebibytes) {
  uint64_t size = mebibytes << 20, have = 0;
  double start = now();
  int fd = ask_for(size, host, port);
  for (uint64_t number = 0;; number++) {
    size_t got = take_block(fd, number);
    have += got;
    if (got < PATTERN_BLOCK) break;
  }
  double seconds = now() - start;
  close(fd);
  if (have != size)
    fail("%llu bytes came instead of %llu", (unsigned long long)have, (unsigned long long)size);
  print_rate(mbit(size) / seconds);
}

void stream_down(const char *host, uint16_t port, double warm, double seconds) {
  double end = now() + warm + seconds;
  int fd = ask_for(ENDLESS, host, port);
  struct meter meter = meter_from(warm);
  for (uint64_t number = 0; now() < end; number++) {
    if (take_block(fd, number) < PATTERN_BLOCK) fail("the stream ended early");
    meter_count(&meter, PATTERN_BLOCK);
  }
  close(fd);
  print_rate(meter_rate(&meter));
}

static int begin_sending(const char *host, uint16_t port, double warm) {
  char request[TEXT];
  int length = snprintf(request, TEXT, "SINK\nWarm: %f\n\n", warm);
  int fd = connect_or_fail(host, port);
  if (net_send(fd, request, length)) fail("cannot send the request: %m");
  return fd;
}

static void send_block(int fd, uint64_t number) {
  uint64_t block[PATTERN_BLOCK / 8];
  pattern_fill(block, number, PATTERN_BLOCK);
  if (net_send(fd, block, PATTERN_BLOCK)) fail("after %llu blocks: %m", (unsigned long long)number);
}

// Ends the stream and gives the rate at which it arrived, once it has arrived whole.
static double end_sending(int fd, uint64_t blocks) {
  char answer[TEXT] = "";
  unsigned long long arrived;
  double rate;
  if (shutdown(fd, SHUT_WR)) fail("cannot end the stream: %m");
  if (net_receive(fd, answer, TEXT - 1) < 0) fail("no answer to the stream: %m");
  close(fd);
  if (sscanf(answer, "200 %*d\n%llu %lf\n", &arrived, &rate) != 2 || arrived != blocks * PATTERN_BLOCK)
    fail("the stream did not arrive whole: %s", answer);
  return rate;
}

void bulk_up(const char *host, uint16_t port, uint64_t mebibytes) {
  uint64_t size = mebibytes << 20, blocks = size / PATTERN_BLOCK;
  double start = now();
  int fd = begin_sending(host, port, 0);
  for (uint64_t number = 0; number < blocks; number++) send_block(fd, number);
  end_sending(fd, blocks);
  print_rate(mbit(size) / (now() - start));
}

void stream_up(const char *host, uint16_t port, double warm, double seconds) {
  double end = now() + warm + seconds;
  uint64_t blocks = 0;
  int fd = begin_sending(host, port, warm);
  while (now() < end) send_block(fd, blocks++);
  print_rate(end_sending(fd, blocks));
}
