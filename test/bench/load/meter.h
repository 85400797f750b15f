// The rate of a stream where it arrives.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct meter {
  double from, first, last; // seconds, as now() gives them
  uint64_t bytes;           // that came after `first`, to `last`
  bool begun;
};

// Begins to count `warm` seconds from now.
struct meter meter_from(double warm);

// These bytes have come now.
void meter_count(struct meter *meter, uint64_t bytes);

// Mbit/s. 0 when nothing was counted.
double meter_rate(const struct meter *meter);
