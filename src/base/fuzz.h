/*
 * fuzz.h - the entry point of the fuzz targets (src/FOLDER/NAME_fuzz.c beside the parser they feed).
 *
 * A target is one function that hands foreign bytes to a parser and checks what must hold for any input; a broken rule is
 * FUZZ_CHECK's abort. The same file is built in two ways: with `meson setup -Dfuzz=true` and clang it becomes a libFuzzer program,
 * in every ordinary build fuzz_replay.c feeds it the corpus in tests/fuzz/NAME, as a unit test. An input that once
 * broke something is added to the corpus.
 */
#ifndef BASE_FUZZ_H
#define BASE_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define FUZZ_CHECK(cond)                                                                           \
	do {                                                                                       \
		if (!(cond))                                                                       \
			abort();                                                                   \
	} while (0)

/* Always returns 0. The name is libFuzzer's. https://llvm.org/docs/LibFuzzer.html */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
