/*
 * The least a program can do for the exchange of TCP-ECV or HTTP-ECV: sockets and epoll, nothing else. `floor PORT RATE SECONDS
 * WANTED [REQUEST]` starts RATE probes a second in ticks of 50 ms, as the agent does, and prints probes, passed ones and the
 * microseconds of CPU time that they took.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 50, EVENTS = 256, READ_BYTES = 65536 };

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static double cpu_us(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  long total = (long)(atof(argv[2]) * atof(argv[3]));
  double per_ms = atof(argv[2]) / 1000, began = now_ms(), cpu = cpu_us();
  const char *wanted = argv[4], *request = argc > 5 ? argv[5] : "";
  static char answer[READ_BYTES];
  struct epoll_event events[EVENTS];
  long started = 0, ended = 0, passed = 0;
  int poll = epoll_create1(EPOLL_CLOEXEC);
  double next = began;
  while (ended < total) {
    double now = now_ms();
    if (now - began > atof(argv[3]) * 1000 + 5000) break;
    if (now >= next && started < total) {
      long due = (long)((now - began) * per_ms) + 1;
      for (; started < due && started < total; started++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        struct epoll_event both = {.events = EPOLLOUT, .data.fd = fd};
        connect(fd, (struct sockaddr *)&to, sizeof to);
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &both);
      }
      next += TICK_MS;
    }
    double wait = started < total ? next - now_ms() : 100;
    int count = epoll_wait(poll, events, EVENTS, wait < 0 ? 0 : (int)wait + 1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd, failure = 0;
      socklen_t size = sizeof failure;
      if (events[i].events & EPOLLIN) {
        ssize_t length = read(fd, answer, sizeof answer);
        passed += length > 0 && memmem(answer, length, wanted, strlen(wanted)) != NULL;
      } else if (!(events[i].events & (EPOLLERR | EPOLLHUP)) &&
                 getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && failure == 0 &&
                 (*request == 0 || write(fd, request, strlen(request)) > 0)) {
        struct epoll_event in = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poll, EPOLL_CTL_MOD, fd, &in);
        continue;
      }
      close(fd);
      ended++;
    }
  }
  printf("%ld %ld %.0f\n", ended, passed, cpu_us() - cpu);
  return 0;
}
