// SPDX-License-Identifier: Apache-2.0
#include "server.h"

#include "basics.h"
#include "options.h"

uint64_t server_cpu(void) {
    clockid_t clock;
    if (options.server == 0) return 0;
    errno = clock_getcpuclockid(options.server, &clock);
    if (errno != 0) fail("clock_getcpuclockid");
    return nanoseconds(clock);
}

// From smaps_rollup (proc_pid_smaps(5)), which counts the pages: statm lags by up to dozens of pages for each CPU.
uint64_t server_resident_bytes(void) {
    if (options.server == 0) return 0;
    char path[64], line[256];
    unsigned long long kibibytes = 0;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", options.server);
    FILE *file = fopen(path, "re");
    if (!file) fail(path);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "Rss: %llu kB", &kibibytes) == 1) break;
    fclose(file);
    return kibibytes << 10;
}
