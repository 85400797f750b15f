#include "exchange.h"
#include "net.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct worker {
  const struct exchange *plan;
  int number;
  pthread_t thread;
  double *took; // seconds, one for each exchange
  size_t count, room;
};

static pthread_barrier_t ready; // every thread has its connection, if it is to keep one
static pthread_barrier_t begin;
static double deadline;

static int connect_or_fail(const struct exchange *plan) {
  int fd = net_connect(plan->host, plan->port);
  if (fd < 0) fail("cannot connect to %s:%u: %m", plan->host, plan->port);
  return fd;
}

static void remember(struct worker *worker, double seconds) {
  if (worker->count == worker->room) {
    worker->room = worker->room * 2 + 1024;
    worker->took = realloc(worker->took, worker->room * sizeof *worker->took);
    if (!worker->took) fail("out of memory");
  }
  worker->took[worker->count++] = seconds;
}

// From `start`, before the connection is made (if it is a new one), to the last byte, or the end of the connection.
static double exchange_once(const struct exchange *plan, int kept, char *answer, double start) {
  int fd = plan->keep ? kept : connect_or_fail(plan);
  if (net_send(fd, plan->request.data, plan->request.size)) fail("cannot send a request: %m");
  // a byte more than expected is asked for on a new connection, so that its end is waited for
  size_t wanted = plan->answer.size + (plan->keep ? 0 : 1);
  ssize_t got = net_receive(fd, answer, wanted);
  if (got < 0) fail("no answer: %m");
  if (!plan->keep) close(fd);
  double took = now() - start;
  if ((size_t)got != plan->answer.size) fail("an answer of %zd bytes instead of %zu", got, plan->answer.size);
  if (memcmp(answer, plan->answer.data, plan->answer.size) != 0) fail("an answer with wrong bytes");
  return took;
}

static void sleep_until(double moment) {
  struct timespec time = {.tv_sec = (time_t)moment, .tv_nsec = (long)((moment - (time_t)moment) * 1e9)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL)) continue;
}

// Exchanges at a steady rate. One that begins late because the one before it took too long has begun when it was
// due: whoever waits, waits from then on.
static void work_steadily(struct worker *worker, int kept, char *answer, double due) {
  const struct exchange *plan = worker->plan;
  for (; due < deadline; due += plan->interval) {
    double start = due;
    if (now() < due) {
      sleep_until(due);
      start = now();
    }
    remember(worker, exchange_once(plan, kept, answer, start));
  }
}

static void *work(void *argument) {
  struct worker *worker = argument;
  const struct exchange *plan = worker->plan;
  char *answer = malloc(plan->answer.size + 1);
  int kept = plan->keep ? connect_or_fail(plan) : -1;
  pthread_barrier_wait(&ready);
  pthread_barrier_wait(&begin);
  if (plan->interval > 0) {
    // connections take turns: no two of them begin together
    work_steadily(worker, kept, answer, now() + plan->interval * worker->number / plan->connections);
  } else {
    do remember(worker, exchange_once(plan, kept, answer, now()));
    while (now() < deadline);
  }
  if (plan->keep) close(kept);
  free(answer);
  return NULL;
}

static int by_size(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

static void print_figures(const struct worker *workers, int count, double seconds) {
  size_t total = 0;
  for (int i = 0; i < count; i++) total += workers[i].count;
  double *all = malloc(total * sizeof *all);
  if (!all) fail("out of memory");
  for (size_t i = 0, filled = 0; i < (size_t)count; filled += workers[i++].count)
    memcpy(all + filled, workers[i].took, workers[i].count * sizeof *all);
  qsort(all, total, sizeof *all, by_size);
  printf("{\"exchanges\":%zu,\"perSecond\":%.1f,\"p50\":%.4f,\"p99\":%.4f}\n", total, total / seconds,
         all[(size_t)((total - 1) * 0.5)] * 1e3, all[(size_t)((total - 1) * 0.99)] * 1e3);
  free(all);
}

void exchange(const struct exchange *plan) {
  struct worker *workers = calloc(plan->connections, sizeof *workers);
  if (!workers) fail("out of memory");
  pthread_barrier_init(&ready, NULL, plan->connections + 1);
  pthread_barrier_init(&begin, NULL, plan->connections + 1);
  for (int i = 0; i < plan->connections; i++) {
    workers[i].plan = plan;
    workers[i].number = i;
    if (pthread_create(&workers[i].thread, NULL, work, &workers[i])) fail("cannot start a thread");
  }
  pthread_barrier_wait(&ready);
  double start = now();
  deadline = start + plan->seconds;
  pthread_barrier_wait(&begin);
  for (int i = 0; i < plan->connections; i++) pthread_join(workers[i].thread, NULL);
  print_figures(workers, plan->connections, now() - start);
}
