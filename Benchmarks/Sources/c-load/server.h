// SPDX-License-Identifier: Apache-2.0
#ifndef SERVER_H
#define SERVER_H

#include <stdint.h>

// The resources that the process of --server-pid has used; 0 without one.

// To the nanosecond, where utime and stime of /proc/PID/stat count ticks of 10 ms.
uint64_t server_cpu(void);
uint64_t server_resident_bytes(void);

#endif
