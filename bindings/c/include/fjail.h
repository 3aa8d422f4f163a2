/*
 * FreeBSD jails for C.
 *
 * A function that fails returns -1 or NULL and sets errno, as those of libjail(3); fjail_errmsg returns the text.
 * What a function returns belongs to the caller, who frees it.
 *
 * A pointer that is passed must be valid: a string ends in NUL, there are as many parameters as `count` says, and a
 * handle, list or model came from a function here and has not been freed. Where nothing else is said, NULL is an
 * error, EINVAL.
 */

#ifndef FJAIL_H
#define FJAIL_H

/* Made from src by `UPDATE=1 cargo test --test header`. */

#include <stddef.h>
#include <sys/types.h>

/*
 A handle of a jail. On FreeBSD 15 and later it cannot name another jail, even if the jid is reused.

 One that owns its jail removes it when it is freed. The kernel removes the jail of such a handle when the process
 ends, however it ends (since FreeBSD 15). Several threads may use a handle; one of them frees it.
 */
typedef struct fjail fjail;

/*
 The jails that this process could see when the list was made, in the order of their jids.
 */
typedef struct fjail_list fjail_list;

#if defined(FJAIL_SIM)
/*
 A model of the kernel in memory, which gets the jail calls of this process.
 */
typedef struct fjail_sim fjail_sim;
#endif

/*
 A parameter's name and its value as text: a number, `true` or `false`, addresses with commas between them, `disable`,
 `new` or `inherit`, or a string as it is.

 Without a value (`NULL`) a boolean becomes true, and an update removes the entry `meta.KEY` or `env.KEY`.
 */
typedef struct fjail_param {
  const char *name;
  const char *value;
} fjail_param;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 Creates a jail. Returns a handle that owns it, or `NULL` with errno set.
 */
struct fjail *fjail_create(const struct fjail_param *params, size_t count);

/*
 Creates a jail that stays until it is removed. Returns a handle that does not own it, or `NULL` with errno set.
 */
struct fjail *fjail_create_detached(const struct fjail_param *params,
                                    size_t count);

/*
 Finds a jail by its name, or by its jid in decimal. Returns a handle that does not own it, or `NULL` with errno set.
 */
struct fjail *fjail_open(const char *name);

/*
 Makes another handle of the same jail, which does not own it and may be used in a forked child.
 */
struct fjail *fjail_clone(const struct fjail *jail);

/*
 Makes a handle of a jail descriptor that does not own its jail. The descriptor is the handle's from now on: it is
 closed on an error, too.
 */
struct fjail *fjail_from_descriptor(int descriptor);

/*
 Makes a handle that owns its jail of a jail descriptor that owns it, as `fjail_release` returns one. The descriptor is
 the handle's from now on: it is closed on an error, too.
 */
struct fjail *fjail_from_owning_descriptor(int descriptor);

/*
 Frees a handle. If it owns its jail, the jail is removed: call `fjail_remove` before to see an error of that. Does
 nothing with `NULL`.
 */
void fjail_free(struct fjail *jail);

/*
 Returns the handle's descriptor, frees the handle and leaves the jail alone. If the handle owned the jail, the
 descriptor does now: closing the last copy removes the jail. On an error, -1 with errno set, the handle is as before;
 FreeBSD has descriptors since 15.0.
 */
int fjail_release(struct fjail *jail);

/*
 Returns the handle's descriptor, which stays the handle's, or -1 with errno set where it has none. poll(2) reports
 `POLLHUP` of it once the jail has been removed.
 */
int fjail_descriptor(const struct fjail *jail);

/*
 Returns the jid, or -1 with errno set.
 */
int fjail_jid(const struct fjail *jail);

/*
 Reads a parameter as text, which is freed by `fjail_string_free`. Returns `NULL` with errno set on an error: `ENOENT`
 also for an entry `meta.KEY` or `env.KEY` that the jail does not have.
 */
char *fjail_get(const struct fjail *jail,
                const char *name);

/*
 Frees a string that `fjail_get` returned. Does nothing with `NULL`.
 */
void fjail_string_free(char *text);

/*
 Sets parameters of a jail, all of them or none. Returns 0, or -1 with errno set.
 */
int fjail_set(const struct fjail *jail, const struct fjail_param *params, size_t count);

/*
 Removes the jail and the jails below it, and kills their processes. The handle has to be freed still. Returns 0, or
 -1 with errno set.
 */
int fjail_remove(const struct fjail *jail);

/*
 Moves this process into the jail, for good. No directory may be open in the process, and the handle must not own the
 jail: use `fjail_clone` before fork(2), and attach in the child. Returns 0, or -1 with errno set.
 */
int fjail_attach(const struct fjail *jail);

/*
 Lists the jails that this process can see. Returns `NULL` with errno set on an error.
 */
struct fjail_list *fjail_list_new(void);

/*
 Returns how many jails there are in a list.
 */
size_t fjail_list_count(const struct fjail_list *list);

/*
 Returns the jid of a jail of a list, counted from 0, or -1 with errno set where there is none.
 */
int fjail_list_jid(const struct fjail_list *list, size_t place);

/*
 Returns the name of a jail of a list, counted from 0, or `NULL` with errno set where there is none. It is valid until
 the list is freed.
 */
const char *fjail_list_name(const struct fjail_list *list,
                            size_t place);

/*
 Frees a list. Does nothing with `NULL`.
 */
void fjail_list_free(struct fjail_list *list);

/*
 Returns the text of the calling thread's last error: empty if there was none. It is valid until the next call of
 this thread fails.
 */
const char *fjail_errmsg(void);

#if defined(FJAIL_SIM)
/*
 Installs a model of a FreeBSD release, such as `"14.2"`, or of the newest for `NULL`: from now on, all jail calls of
 this process go to it. Returns `NULL` with errno set on an error.
 */
struct fjail_sim *fjail_sim_install(const char *release);
#endif

#if defined(FJAIL_SIM)
/*
 Permits `fjail_spawn` to run programs, which the model does not confine: they run on the host. Does nothing with
 `NULL`.
 */
void fjail_sim_allow_exec(const struct fjail_sim *model);
#endif

#if defined(FJAIL_SIM)
/*
 Ends the model. The jails in it are gone. Does nothing with `NULL`.
 */
void fjail_sim_uninstall(struct fjail_sim *model);
#endif

/*
 Starts a program in the jail. Returns 0, or -1 with errno set: the text then names the step that failed. The caller
 waits for the child with waitpid(2); until then it holds its jail, even a removed one.

 `argv` ends with `NULL`. The program, `argv[0]`, is looked up inside the jail, in the `PATH` of its new environment
 if it has no slash. `envp`, whose strings are `NAME=value`, ends with `NULL`, too. If it is `NULL` itself, the
 environment is that of a login, as with `jexec -l`: this process's is not inherited.

 `user` is a user of the host, or `NULL` for this process's. `directory` is a path in the jail, or `NULL` for its root
 directory. `streams` has three open descriptors, the program's standard input, output and error, or is `NULL` for
 this process's; they stay open here.
 */
int fjail_spawn(const struct fjail *jail,
                char *const *argv,
                char *const *envp,
                const char *user,
                const char *directory,
                const int *streams,
                pid_t *pid);

/*
 Waits until the jail begins to die: it has been removed, or its last process has ended and nothing keeps it. The
 timeout is in milliseconds, -1 for none. Returns 1, or 0 when the time is over, or -1 with errno set.
 */
int fjail_wait_dying(const struct fjail *jail,
                     int timeout);

/*
 As `fjail_wait_dying`, but until the jail is gone: nothing holds it any more, and its root can be unmounted. A child
 of this process in the jail holds it until it is waited for.
 */
int fjail_wait_gone(const struct fjail *jail,
                    int timeout);

/*
 `fjail_remove` and `fjail_wait_gone` in one, which miss nothing that happens in between.
 */
int fjail_remove_and_wait(const struct fjail *jail, int timeout);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FJAIL_H */
