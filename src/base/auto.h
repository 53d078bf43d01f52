/* auto.h - values that clean up after themselves when they go out of scope.
 *
 * AUTO(fd) int fd = -1;   closed at the end of the block
 * return fd_take(&fd);    ownership moves to the caller and nothing is closed
 *
 * A type joins by DEFINE_AUTO(name, type, function) in its own header, where function takes a
 * pointer to the variable and must accept the variable's empty value. */
#ifndef AMBER_BASE_AUTO_H
#define AMBER_BASE_AUTO_H

#include <stdlib.h>

#define AUTO(name) __attribute__((cleanup(auto_##name)))

#define DEFINE_AUTO(name, type, function)           \
	static inline void auto_##name(type *value) \
	{                                           \
		function(value);                    \
	}                                           \
	struct auto_##name##_needs_a_semicolon

/* For memory from malloc: AUTO(free) char *text = NULL; */
static inline void auto_free(void *pointer_to_pointer)
{
	free(*(void **)pointer_to_pointer);
}

/* Moves a heap pointer out of an AUTO variable: return TAKE(text); */
#define TAKE(pointer)                                   \
	({                                              \
		__typeof__(pointer) taken_ = (pointer); \
		(pointer) = NULL;                       \
		taken_;                                 \
	})

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif
