// SPDX-License-Identifier: Apache-2.0
//
// Tells ThreadSanitizer about Synchronization.Mutex. The uncontended half of that mutex is inlined into our own,
// instrumented code and understood; the contended half lies in libswiftSynchronization.so and hands the lock over
// through the kernel (FUTEX_LOCK_PI), which ThreadSanitizer does not see. It then reports a race between two correct
// holders of one mutex, whenever they happen to collide. Preloaded, the functions below stand before that contended
// half and add what it leaves out: who unlocks has released, who locks has acquired. Real races are still found.
//
// Nothing here is linked into the library or its tests.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

// From the sanitizer's runtime in the test process; absent in the processes around it.
extern void __tsan_acquire(void *) __attribute__((weak));
extern void __tsan_release(void *) __attribute__((weak));

// Synchronization._MutexHandle._lockSlow(_: UInt32) and ._unlockSlow(), which are stable ABI.
#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))

SWIFT void lock_slow(uint32_t thread, SELF void *mutex) __asm__(LOCK_SLOW);
SWIFT void lock_slow(uint32_t thread, SELF void *mutex) {
    SWIFT void (*next)(uint32_t, SELF void *) = dlsym(RTLD_NEXT, LOCK_SLOW);
    next(thread, mutex);
    if (__tsan_acquire) __tsan_acquire(mutex);
}

SWIFT void unlock_slow(SELF void *mutex) __asm__(UNLOCK_SLOW);
SWIFT void unlock_slow(SELF void *mutex) {
    SWIFT void (*next)(SELF void *) = dlsym(RTLD_NEXT, UNLOCK_SLOW);
    if (__tsan_release) __tsan_release(mutex);
    next(mutex);
}
