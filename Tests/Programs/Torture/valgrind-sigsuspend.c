// SPDX-License-Identifier: Apache-2.0
//
// Preloaded under valgrind: before 3.21 it takes its own signals out of the mask of sigsuspend(2) in place, and dies
// where the mask lies in read-only memory, as that of libdispatch does, in which the main thread of the tests sleeps.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>

int sigsuspend(const sigset_t *mask) {
    int (*real)(const sigset_t *) = (int (*)(const sigset_t *))dlsym(RTLD_NEXT, "sigsuspend");
    sigset_t copy = *mask;
    return real(&copy);
}
