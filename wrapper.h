/*
 * What bindgen reads: FreeBSD's own declarations of the jail calls.
 * The order is the manual page's; sys/param.h first, since sys/jail.h uses its
 * MAXPATHLEN and MAXHOSTNAMELEN without including it.
 */
#include <sys/param.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/jail.h>

/* Jail events. */
#include <sys/event.h>

/* The numbers of the calls that an older libc has no function for. */
#include <sys/syscall.h>
