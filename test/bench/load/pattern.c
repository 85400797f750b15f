#include "pattern.h"
#include <string.h>

enum { WORDS = PATTERN_BLOCK / 8 };

static uint64_t base[WORDS];

// SplitMix64 (Steele, Lea, Flood 2014): a good 64-bit hash of a counter.
static uint64_t mix(uint64_t number) {
  uint64_t z = (number + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void pattern_init(void) {
  for (size_t i = 0; i < WORDS; i++) base[i] = mix(i);
}

// All blocks are one random block, each word combined with a mask that is the block's own: a compiler
// makes vector instructions of it.
static uint64_t mask_of(uint64_t number) { return mix(~number); }

void pattern_fill(uint64_t *block, uint64_t number, size_t bytes) {
  uint64_t mask = mask_of(number);
  for (size_t i = 0; i < (bytes + 7) / 8; i++) block[i] = base[i] ^ mask;
}

bool pattern_matches(const uint64_t *block, uint64_t number, size_t bytes) {
  uint64_t mask = mask_of(number);
  uint64_t wrong = 0;
  for (size_t i = 0; i < bytes / 8; i++) wrong |= block[i] ^ base[i] ^ mask;
  uint64_t last = base[bytes / 8 % WORDS] ^ mask;
  return wrong == 0 && memcmp(block + bytes / 8, &last, bytes % 8) == 0;
}
