// SPDX-License-Identifier: Apache-2.0
#ifndef CNATS_H
#define CNATS_H

#include <nats/nats.h>

// fcntl(2) is variadic, which Swift cannot call.
#include <fcntl.h>
static inline int cnats_duplicate(int descriptor) { return fcntl(descriptor, F_DUPFD_CLOEXEC, 0); }

#endif
