// One long stream in one direction. Prints its rate; fails the program if a byte is missing or wrong.
#pragma once
#include <stdint.h>

// So many bytes, from before the connection is made to the end that was confirmed.
void bulk_down(const char *host, uint16_t port, uint64_t mebibytes);
void bulk_up(const char *host, uint16_t port, uint64_t mebibytes);

// A stream that lasts `warm` and `seconds`, counted where it arrives and only after `warm`.
void stream_down(const char *host, uint16_t port, double warm, double seconds);
void stream_up(const char *host, uint16_t port, double warm, double seconds);
