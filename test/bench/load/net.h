// Blocking TCP sockets with TCP_NODELAY set and a time limit on every call.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

// Prints the message on standard error and ends the program with status 1: a load that meets any error
// has no figure to report.
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Seconds on a clock that never jumps.
double now(void);

// Listens on an IPv4 address at a port of the kernel's choice and stores it. Fails the program on error.
int net_listen(const char *host, uint16_t *port);

// Prepares an accepted socket.
void net_prepare(int fd);

// Connects to an IPv4 address. -1 on error.
int net_connect(const char *host, uint16_t port);

// Sends everything. -1 on error.
int net_send(int fd, const void *data, size_t bytes);

// Sends two pieces, in one packet where they fit. -1 on error.
int net_send_both(int fd, const void *first, size_t first_bytes, const void *second, size_t second_bytes);

// Receives until `bytes` have come or the other side has ended; returns how many came. -1 on error.
ssize_t net_receive(int fd, void *data, size_t bytes);
