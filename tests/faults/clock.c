/* A clock that can be set: loaded into a process by LD_PRELOAD, it adds to the time of day what
 * the file named by CLOCK_FILE says, 8 bytes, in microseconds. The file is mapped, so a step holds
 * from the next question on. What counts from the start of the machine is left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t right = 0;
static const volatile int64_t *wrong_by = &right;
static int (*real)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void)
{
    real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    const char *name = getenv("CLOCK_FILE");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *found = mmap(NULL, sizeof right, PROT_READ, MAP_SHARED, file, 0);
    if (found != MAP_FAILED)
        wrong_by = found;
    close(file);
}

int clock_gettime(clockid_t which, struct timespec *to)
{
    if (!real)
        begin();
    int code = real(which, to);
    if (code == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) {
        int64_t us = (int64_t)to->tv_sec * 1000000 + to->tv_nsec / 1000 + *wrong_by;
        to->tv_nsec = us % 1000000 * 1000 + to->tv_nsec % 1000;
        to->tv_sec = us / 1000000;
    }
    return code;
}

int gettimeofday(struct timeval *restrict to, void *restrict zone)
{
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    to->tv_sec = now.tv_sec;
    to->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *to)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to)
        *to = now.tv_sec;
    return now.tv_sec;
}
