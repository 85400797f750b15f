#include "meter.h"
#include "net.h"

struct meter meter_from(double warm) { return (struct meter){.from = now() + warm}; }

void meter_count(struct meter *meter, uint64_t bytes) {
  meter->last = now();
  if (meter->begun) {
    meter->bytes += bytes;
  } else if (meter->last >= meter->from) {
    // what came until now took its time before
    meter->first = meter->last;
    meter->begun = true;
  }
}

double meter_rate(const struct meter *meter) {
  double seconds = meter->last - meter->first;
  return meter->bytes > 0 && seconds > 0 ? meter->bytes * 8 / 1e6 / seconds : 0;
}
