// SPDX-License-Identifier: Apache-2.0
#include "CProgram.h"

#include <stddef.h>

static int count;
static char **arguments;

// glibc calls what stands in .init_array with the arguments of main, which in a Swift program nobody else can see.
__attribute__((constructor)) static void keep(int given_count, char **given, char **environment) {
    (void)environment;
    count = given_count;
    arguments = given;
}

int program_argument_count(void) { return count; }

const char *program_argument(int index) { return index >= 0 && index < count ? arguments[index] : NULL; }
