// One long stream in one direction. Prints its rate; fails the program if a byte is missing or wrong.
#pragma once
#include <stdint.h>

void bulk_down(const char *host, uint16_t port, uint64_t mebibytes);
void bulk_up(const char *host, uint16_t port, uint64_t mebibytes);
