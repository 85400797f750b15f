// A line between two network namespaces of one machine: an IP link of two TUN devices, joined by this program,
// which gives it the delay, the rate, the buffer and the losses of a real one. For kernels without netem.
//
//   line [--delay-ms N] [--rate-mbit N] [--queue-ms N] [--loss-percent N] [--large]
//        NAMESPACE DEVICE NAMESPACE DEVICE
//
//   --delay-ms      one way, what every packet takes; half of the empty line's round trip. Default 0
//   --rate-mbit     of each direction, of whole IP packets; 0, the default: no limit
//   --queue-ms      the buffer in front of the rate, as time that the rate needs to empty it: a packet that
//                   finds it full is dropped, as by a router. Default 100
//   --loss-percent  packets lost at random, the same ones in every run. Default 0
//   --large         take TCP segments of up to 64 KiB whole, as network cards do: a tenth of the work, for lines
//                   of hundreds of Mbit/s. Neither with a rate nor with losses, which are of single packets
//
// Makes the devices, prints "up", and runs until it is killed; then the devices are gone. It leaves addresses,
// routes and bringing the devices up to the caller.
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

typedef long long nanoseconds;

enum {
  WRONG_USAGE = 2,
  // Longest IP packet, and what the device puts before it.
  ROOM = 65535 + sizeof(struct virtio_net_hdr),
  // Packets taken from one device before the other has its turn.
  BATCH = 64,
  // Most bytes on their way in one direction: 10 Gbit/s at 50 ms. More are dropped.
  MOST_HELD = 64 << 20,
};

struct packet {
  struct packet *next;
  nanoseconds due;
  size_t size;
  char data[];
};

// Packets on their way, the first to arrive first.
struct direction {
  int from, to;
  struct packet *first, **end;
  size_t held;
  nanoseconds free_at; // when the rate has sent all that was accepted
};

static struct {
  nanoseconds delay, queue;
  double nanoseconds_per_byte, loss;
  bool large;
} line = {.queue = 100000000};

static nanoseconds now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void enter(const char *namespace) {
  char path[4096];
  snprintf(path, sizeof path, "/run/netns/%s", namespace);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET)) err(1, "cannot enter the namespace %s", namespace);
  close(fd);
}

// Every packet comes, and is to be written, behind a header that tells of the work left to a network card:
// passed on unchanged, it leaves that work to whoever receives the packet.
static int make_device(const char *namespace, const char *name) {
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
  enter(namespace);
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) err(1, "cannot open /dev/net/tun");
  if (strlen(name) >= sizeof request.ifr_name) errx(WRONG_USAGE, "the device's name is too long: %s", name);
  strcpy(request.ifr_name, name);
  if (ioctl(fd, TUNSETIFF, &request)) err(1, "cannot make the device %s", name);
  unsigned offload = line.large ? TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 : 0;
  if (ioctl(fd, TUNSETOFFLOAD, offload)) err(1, "the device %s does not take large segments", name);
  return fd;
}

// When a packet that comes now is at the other end; -1 when it is lost.
static nanoseconds arrival(struct direction *direction, size_t bytes, nanoseconds time) {
  if (drand48() < line.loss || direction->held + bytes > MOST_HELD) return -1;
  if (direction->free_at < time) direction->free_at = time;
  if (line.nanoseconds_per_byte > 0) {
    if (direction->free_at - time > line.queue) return -1;
    direction->free_at += bytes * line.nanoseconds_per_byte;
  }
  return direction->free_at + line.delay;
}

static void take(struct direction *direction) {
  static char data[ROOM];
  for (int i = 0; i < BATCH; i++) {
    ssize_t size = read(direction->from, data, ROOM);
    if (size <= 0) return;
    nanoseconds due = arrival(direction, size - sizeof(struct virtio_net_hdr), now());
    if (due < 0) continue;
    struct packet *packet = malloc(sizeof *packet + size);
    if (!packet) errx(1, "out of memory");
    *packet = (struct packet){.due = due, .size = size};
    memcpy(packet->data, data, size);
    *direction->end = packet;
    direction->end = &packet->next;
    direction->held += size;
  }
}

static void deliver(struct direction *direction) {
  nanoseconds time = now();
  for (struct packet *packet; (packet = direction->first) && packet->due <= time; free(packet)) {
    // lost where the device is not up, as on a cable that is not plugged in
    (void)!write(direction->to, packet->data, packet->size);
    direction->held -= packet->size;
    direction->first = packet->next;
    if (!direction->first) direction->end = &direction->first;
  }
}

static _Noreturn void run(int one, int other) {
  struct direction directions[] = {{.from = one, .to = other}, {.from = other, .to = one}};
  struct pollfd polled[] = {{.fd = one, .events = POLLIN}, {.fd = other, .events = POLLIN}};
  for (int i = 0; i < 2; i++) directions[i].end = &directions[i].first;
  for (;;) {
    nanoseconds next = -1;
    for (int i = 0; i < 2; i++) {
      deliver(&directions[i]);
      struct packet *first = directions[i].first;
      if (first && (next < 0 || first->due < next)) next = first->due;
    }
    nanoseconds wait = next < 0 ? -1 : next - now();
    struct timespec limit = {0, 0};
    if (wait > 0) limit = (struct timespec){wait / 1000000000, wait % 1000000000};
    ppoll(polled, 2, next < 0 ? NULL : &limit, NULL);
    for (int i = 0; i < 2; i++)
      if (polled[i].revents) take(&directions[i]);
  }
}

// A number from 0 to `most`.
static double number(const char *option, const char *text, double most) {
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end || !(value >= 0 && value <= most))
    errx(WRONG_USAGE, "--%s is a number from 0 to %g, not %s", option, most, text);
  return value;
}

static void read_options(int count, char **words) {
  static const struct option options[] = {
      {"delay-ms", required_argument, NULL, 'd'},     {"rate-mbit", required_argument, NULL, 'r'},
      {"queue-ms", required_argument, NULL, 'q'},     {"loss-percent", required_argument, NULL, 'l'},
      {"large", no_argument, NULL, 'L'},              {0},
  };
  for (int option, index; (option = getopt_long(count, words, "", options, &index)) != -1;) {
    if (option == '?') exit(WRONG_USAGE);
    double value = option == 'L' ? 0 : number(options[index].name, optarg, option == 'l' ? 100 : 1e6);
    if (option == 'd') line.delay = value * 1e6;
    if (option == 'r') line.nanoseconds_per_byte = value > 0 ? 8000 / value : 0;
    if (option == 'q') line.queue = value * 1e6;
    if (option == 'l') line.loss = value / 100;
    if (option == 'L') line.large = true;
  }
  if (line.large && (line.nanoseconds_per_byte > 0 || line.loss > 0))
    errx(WRONG_USAGE, "--large goes neither with a rate nor with losses");
  if (count - optind != 4) errx(WRONG_USAGE, "two namespaces and devices are wanted: see the top of line.c");
}

// A real line does not wait for a processor: come before the programs that it serves, where that is allowed.
static void come_first(void) {
  struct sched_param priority = {.sched_priority = 1};
  sched_setscheduler(0, SCHED_FIFO, &priority);
  prctl(PR_SET_TIMERSLACK, 1);
}

int main(int count, char **words) {
  read_options(count, words);
  int one = make_device(words[optind], words[optind + 1]);
  int other = make_device(words[optind + 2], words[optind + 3]);
  come_first();
  puts("up");
  fflush(stdout);
  run(one, other);
}
