/* Opens and closes a file: `loop N` as fast as it can, `loop N RATE` so many a second. Prints seconds. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
  long n = atol(arguments[1]);
  double rate = count > 2 ? atof(arguments[2]) : 0, start = now();
  for (long i = 0; i < n; i++) {
    close(open("/etc/hostname", O_RDONLY));
    while (rate && i % 64 == 0 && (now() - start) * rate < i) usleep(200);
  }
  printf("%.6f\n", now() - start);
  return 0;
}
