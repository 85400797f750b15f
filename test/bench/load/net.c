#define _GNU_SOURCE
#include "net.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CALL_LIMIT_SECONDS = 15, BACKLOG = 4096 };

void fail(const char *format, ...) {
  static atomic_flag told = ATOMIC_FLAG_INIT;
  if (atomic_flag_test_and_set(&told))
    for (;;) pause(); // another thread has failed as well and ends the program
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  _exit(1); // not exit(): the other threads are still at work
}

double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

void net_prepare(int fd) {
  int on = 1;
  struct timeval limit = {.tv_sec = CALL_LIMIT_SECONDS};
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

static struct sockaddr_in address_of(const char *host, uint16_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) fail("not an IPv4 address: %s", host);
  return address;
}

int net_listen(const char *host, uint16_t *port) {
  struct sockaddr_in address = address_of(host, 0);
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) || listen(fd, BACKLOG) ||
      getsockname(fd, (struct sockaddr *)&address, &size))
    fail("cannot listen on %s: %m", host);
  *port = ntohs(address.sin_port);
  return fd;
}

int net_connect(const char *host, uint16_t port) {
  struct sockaddr_in address = address_of(host, port);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  net_prepare(fd);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  int reason = errno;
  close(fd);
  errno = reason;
  return -1;
}

int net_send_both(int fd, const void *first, size_t first_bytes, const void *second, size_t second_bytes) {
  struct iovec pieces[] = {{(void *)first, first_bytes}, {(void *)second, second_bytes}};
  struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
  while (message.msg_iovlen > 0) {
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN) errno = ETIMEDOUT; // what it means with a time limit
      return -1;
    }
    while (message.msg_iovlen > 0 && (size_t)sent >= message.msg_iov->iov_len) {
      sent -= message.msg_iov->iov_len;
      message.msg_iov++;
      message.msg_iovlen--;
    }
    if (message.msg_iovlen > 0) {
      message.msg_iov->iov_base = (char *)message.msg_iov->iov_base + sent;
      message.msg_iov->iov_len -= sent;
    }
  }
  return 0;
}

int net_send(int fd, const void *data, size_t bytes) { return net_send_both(fd, data, bytes, NULL, 0); }

ssize_t net_receive(int fd, void *data, size_t bytes) {
  size_t have = 0;
  while (have < bytes) {
    ssize_t got = recv(fd, (char *)data + have, bytes - have, 0);
    if (got < 0) {
      if (errno == EAGAIN) errno = ETIMEDOUT; // what it means with a time limit
      return -1;
    }
    if (got == 0) break;
    have += got;
  }
  return have;
}
