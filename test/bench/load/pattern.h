// Test data of any length that no compressor shortens, and of which every byte is known from its place:
// lost, doubled, swapped or changed bytes are noticed. Fast enough not to count beside a socket.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PATTERN_BLOCK = 128 * 1024 };

// To be called once, before the rest.
void pattern_init(void);

// Writes the first `bytes` of the block with this number, rounded up to 8 bytes.
void pattern_fill(uint64_t *block, uint64_t number, size_t bytes);

// Whether these are the first `bytes` of the block with this number.
bool pattern_matches(const uint64_t *block, uint64_t number, size_t bytes);
