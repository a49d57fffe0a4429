/* The run's clock. Time moves only when the host delivers something, so a guest has no way to
   measure how long anything takes. Included before quickjs.c, whose two readings of the time are
   redirected here. */

#include <sys/time.h>
#include <time.h>

static double ob_started_at_ms; /* wall time at run time zero */
static double ob_now_ms;        /* run time */

static int ob_gettimeofday(struct timeval *tv, void *zone)
{
    double ms = ob_started_at_ms + ob_now_ms;
    (void)zone;
    tv->tv_sec = (time_t)(ms / 1000);
    tv->tv_usec = (suseconds_t)((ms - (double)tv->tv_sec * 1000) * 1000);
    return 0;
}

static int ob_clock_gettime(clockid_t id, struct timespec *ts)
{
    (void)id;
    ts->tv_sec = (time_t)(ob_now_ms / 1000);
    ts->tv_nsec = (long)((ob_now_ms - (double)ts->tv_sec * 1000) * 1e6);
    return 0;
}

#define gettimeofday ob_gettimeofday
#define clock_gettime(id, ts) ob_clock_gettime((clockid_t)(id), ts)
