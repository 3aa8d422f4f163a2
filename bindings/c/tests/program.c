/*
 * What a C program does with jails. Each failed check ends it with its line.
 *
 * With FJAIL_SIM it runs on a model of the kernel. Without, on FreeBSD 15 as root, on a machine without jails.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fjail.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

#define CHECK(condition)                                                                               \
    do {                                                                                               \
        if (!(condition)) {                                                                            \
            fprintf(stderr, "line %d: %s; errno %d, \"%s\"\n", __LINE__, #condition, errno,            \
                fjail_errmsg());                                                                       \
            exit(1);                                                                                   \
        }                                                                                              \
    } while (0)

/* Whether a parameter reads as a text. */
static int
is(const fjail *jail, const char *name, const char *expected)
{
    char *value = fjail_get(jail, name);
    int same = value != NULL && strcmp(value, expected) == 0;

    if (!same && value != NULL)
        fprintf(stderr, "%s is \"%s\"\n", name, value);
    fjail_string_free(value);
    return (same);
}

static void
values_of_every_kind_are_text(void)
{
    const fjail_param params[] = {
        { "name", "www" },
        { "path", "/" },
        { "securelevel", "2" },
        { "host.hostid", "7" },
        { "host.hostname", "www\xff.example.org" }, /* need not be UTF-8 */
        { "ip4.addr", "10.0.0.2,10.0.0.1" },
        { "ip6", "disable" },
        { "allow.raw_sockets", NULL }, /* true */
        { "allow.set_hostname", "false" },
        { "meta.owner", "me" },
    };
    const fjail_param changes[] = {
        { "securelevel", "3" },
        { "allow.raw_sockets", "false" },
        { "meta.owner", NULL }, /* removed */
        { "env.LANG", "C" },
    };
    fjail *jail = fjail_create(params, COUNT(params));

    CHECK(jail != NULL);
    CHECK(fjail_jid(jail) > 0);
    CHECK(is(jail, "name", "www"));
    CHECK(is(jail, "securelevel", "2"));
    CHECK(is(jail, "host.hostid", "7"));
    CHECK(is(jail, "host.hostname", "www\xff.example.org"));
    CHECK(is(jail, "ip4.addr", "10.0.0.2,10.0.0.1"));
    CHECK(is(jail, "ip6", "disable"));
    CHECK(is(jail, "allow.raw_sockets", "true"));
    CHECK(is(jail, "allow.set_hostname", "false"));
    CHECK(is(jail, "meta.owner", "me"));
    CHECK(fjail_set(jail, changes, COUNT(changes)) == 0);
    CHECK(is(jail, "securelevel", "3"));
    CHECK(is(jail, "allow.raw_sockets", "false"));
    CHECK(is(jail, "env.LANG", "C"));
    errno = 0;
    CHECK(fjail_get(jail, "meta.owner") == NULL && errno == ENOENT);
    fjail_free(jail);
}

static void
errors_have_an_errno_and_a_text(void)
{
    const fjail_param wrong[] = { { "path", "/" }, { "securelevel", "high" } };
    const fjail_param nameless[] = { { NULL, "x" } };
    const fjail_param unknown[] = { { "no.such", "x" } };
    const fjail_param valueless[] = { { "securelevel", NULL } };
    const fjail_param twice[] = { { "name", "twice" }, { "path", "/" } };
    fjail *jail;

    CHECK(fjail_create(wrong, COUNT(wrong)) == NULL && errno == EINVAL);
    CHECK(strstr(fjail_errmsg(), "securelevel") != NULL && strstr(fjail_errmsg(), "high") != NULL);
    CHECK(fjail_create(nameless, COUNT(nameless)) == NULL && errno == EINVAL);
    CHECK(fjail_create(unknown, COUNT(unknown)) == NULL && errno == EINVAL);
    CHECK(fjail_create(valueless, COUNT(valueless)) == NULL && errno == EINVAL);
    CHECK(fjail_create(NULL, 1) == NULL && errno == EINVAL);
    CHECK(fjail_open("nosuch") == NULL && errno == ENOENT);
    CHECK(strstr(fjail_errmsg(), "nosuch") != NULL);
    CHECK(fjail_open(NULL) == NULL && errno == EINVAL);
    CHECK(fjail_jid(NULL) == -1 && errno == EINVAL);
    CHECK(fjail_release(NULL) == -1 && errno == EINVAL);
    CHECK(fjail_from_descriptor(-1) == NULL && errno == EBADF);

    jail = fjail_create(twice, COUNT(twice));
    CHECK(jail != NULL);
    CHECK(fjail_create(twice, COUNT(twice)) == NULL && errno == EEXIST);
    CHECK(strstr(fjail_errmsg(), "twice") != NULL); /* the kernel's text */
    CHECK(fjail_attach(jail) == -1 && errno == EINVAL); /* it is owned */
    errno = 0;
    CHECK(fjail_set(jail, NULL, 0) == 0 && errno == 0);
    fjail_free(jail);
    fjail_free(NULL);
    fjail_string_free(NULL);
    fjail_list_free(NULL);
}

static void
a_jail_goes_with_the_handle_that_owns_it(void)
{
    const fjail_param owned[] = { { "name", "owned" }, { "path", "/" } };
    const fjail_param stays[] = { { "name", "stays" }, { "path", "/" } };
    fjail *jail = fjail_create(owned, COUNT(owned)), *other;
    fjail_list *list;
    char jid[16];

    CHECK(jail != NULL);
    other = fjail_create_detached(stays, COUNT(stays));
    CHECK(other != NULL);
    fjail_free(other);

    list = fjail_list_new();
    CHECK(list != NULL);
    CHECK(fjail_list_count(list) == 2);
    CHECK(fjail_list_jid(list, 0) == fjail_jid(jail));
    CHECK(strcmp(fjail_list_name(list, 0), "owned") == 0);
    CHECK(strcmp(fjail_list_name(list, 1), "stays") == 0);
    CHECK(fjail_list_name(list, 2) == NULL && errno == EINVAL);
    snprintf(jid, sizeof(jid), "%d", fjail_list_jid(list, 1));
    fjail_list_free(list);

    other = fjail_clone(jail);
    CHECK(other != NULL);
    fjail_free(jail);
    CHECK(fjail_open("owned") == NULL && errno == ENOENT);
    CHECK(fjail_get(other, "name") == NULL && errno == ENOENT); /* it never means another jail */
    CHECK(fjail_remove(other) == -1 && errno == ENOENT);
    fjail_free(other);

    jail = fjail_open(jid);
    CHECK(jail != NULL);
    CHECK(fjail_remove(jail) == 0);
    fjail_free(jail);
    CHECK(fjail_open("stays") == NULL && errno == ENOENT);
}

static void
a_descriptor_hands_the_jail_over(void)
{
    const fjail_param params[] = { { "name", "given" }, { "path", "/" } };
    fjail *jail = fjail_create(params, COUNT(params));
    int fd;

    CHECK(jail != NULL);
    CHECK(fjail_descriptor(jail) >= 0);
    fd = fjail_release(jail);
    CHECK(fd >= 0);
    jail = fjail_open("given"); /* it stayed */
    CHECK(jail != NULL);
    fjail_free(jail);
    jail = fjail_from_owning_descriptor(fd);
    CHECK(jail != NULL);
    fjail_free(jail);
    CHECK(fjail_open("given") == NULL && errno == ENOENT);

    jail = fjail_create_detached(params, COUNT(params));
    CHECK(jail != NULL);
    fd = fjail_release(jail); /* one that owns nothing */
    CHECK(fd >= 0);
    jail = fjail_from_descriptor(fd);
    CHECK(jail != NULL);
    CHECK(is(jail, "name", "given"));
    CHECK(fjail_remove(jail) == 0);
    fjail_free(jail);
    CHECK(fjail_from_descriptor(STDIN_FILENO) == NULL && errno == EINVAL);
}

/* Runs a script in a jail, and returns its exit status, or -1 if it cannot be started. */
static int
script(const fjail *jail, char *text, char *const *envp, const char *user, const char *directory,
    const int *streams)
{
    char *argv[] = { "/bin/sh", "-c", text, NULL };
    pid_t pid = -1;
    int status = 0;

    if (fjail_spawn(jail, argv, envp, user, directory, streams, &pid) == -1) {
        CHECK(pid == -1);
        return (-1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return (WEXITSTATUS(status));
}

static void
a_program_runs_in_the_jail(void)
{
    const fjail_param params[] = { { "name", "busy" }, { "path", "/" } };
    fjail *jail = fjail_create(params, COUNT(params));
    char *variables[] = { "ONE=1", "TWO=a=b", "PATH=/bin:/usr/bin", NULL };
    char *malformed[] = { "ONE", NULL };
    char *nameless[] = { "=1", NULL };
    char *missing[] = { "nosuch", NULL };
    char *nothing[] = { NULL };
    int in[2], out[2], streams[3];
    const int closed[] = { -1, STDOUT_FILENO, STDERR_FILENO };
    char output[16] = "";
    pid_t pid;

    CHECK(jail != NULL);
    CHECK(setenv("FJAIL_SECRET", "x", 1) == 0);
    CHECK(script(jail, "exit 7", NULL, NULL, NULL, NULL) == 7);
    CHECK(script(jail, "test `pwd` = /", NULL, NULL, NULL, NULL) == 0);
    CHECK(script(jail, "test `pwd` = /dev", NULL, NULL, "/dev", NULL) == 0);
    CHECK(script(jail, "test -z \"$FJAIL_SECRET\" && test -n \"$HOME\"", NULL, NULL, NULL, NULL) == 0);
    CHECK(script(jail, "test \"$ONE\" = 1 && test \"$TWO\" = a=b", variables, NULL, NULL, NULL) == 0);
    CHECK(script(jail, "test -z \"$FJAIL_SECRET$HOME\"", variables, NULL, NULL, NULL) == 0);
#ifndef FJAIL_SIM
    CHECK(script(jail, "test `/sbin/sysctl -n security.jail.jailed` = 1", NULL, NULL, NULL, NULL) == 0);
#endif
    if (geteuid() == 0) {
        CHECK(script(jail, "test `id -un` = nobody", NULL, "nobody", NULL, NULL) == 0);
    } else {
        CHECK(script(jail, "exit 0", NULL, "nobody", NULL, NULL) == -1 && errno == EPERM);
    }

    CHECK(pipe(in) == 0 && pipe(out) == 0);
    streams[0] = in[0];
    streams[1] = streams[2] = out[1];
    CHECK(write(in[1], "to\n", 3) == 3);
    CHECK(script(jail, "read to; echo $to fro; echo too >&2", NULL, NULL, NULL, streams) == 0);
    CHECK(read(out[0], output, sizeof(output) - 1) == 11 && strcmp(output, "to fro\ntoo\n") == 0);
    CHECK(close(in[0]) == 0 && close(in[1]) == 0 && close(out[0]) == 0 && close(out[1]) == 0);

    pid = -1;
    CHECK(fjail_spawn(jail, missing, NULL, NULL, NULL, NULL, &pid) == -1 && errno == ENOENT && pid == -1);
    CHECK(strstr(fjail_errmsg(), "exec") != NULL && strstr(fjail_errmsg(), "nosuch") != NULL);
    CHECK(script(jail, "exit 0", NULL, NULL, "/nosuch", NULL) == -1 && errno == ENOENT);
    CHECK(strstr(fjail_errmsg(), "directory") != NULL && strstr(fjail_errmsg(), "/nosuch") != NULL);
    CHECK(script(jail, "exit 0", NULL, "no such user", NULL, NULL) == -1 && errno == EINVAL);
    CHECK(script(jail, "exit 0", malformed, NULL, NULL, NULL) == -1 && errno == EINVAL);
    CHECK(script(jail, "exit 0", nameless, NULL, NULL, NULL) == -1 && errno == EINVAL);
    CHECK(script(jail, "exit 0", NULL, NULL, NULL, closed) == -1 && errno == EBADF);
    CHECK(script(NULL, "exit 0", NULL, NULL, NULL, NULL) == -1 && errno == EINVAL);
    CHECK(fjail_spawn(jail, nothing, NULL, NULL, NULL, NULL, &pid) == -1 && errno == EINVAL);
    CHECK(fjail_spawn(jail, NULL, NULL, NULL, NULL, NULL, &pid) == -1 && errno == EINVAL);
    CHECK(fjail_spawn(jail, missing, NULL, NULL, NULL, NULL, NULL) == -1 && errno == EINVAL);

    CHECK(fjail_remove(jail) == 0);
    CHECK(script(jail, "exit 0", NULL, NULL, NULL, NULL) == -1 && errno == ENOENT);
    fjail_free(jail);
}

static void
the_end_of_a_jail_is_waited_for(void)
{
    const fjail_param params[] = { { "name", "brief" }, { "path", "/" } };
    char *argv[] = { "/bin/sh", "-c", "exec sleep 600", NULL };
    fjail *jail = fjail_create(params, COUNT(params)), *other;
    int status;
    pid_t pid;

    CHECK(jail != NULL);
    other = fjail_clone(jail);
    CHECK(other != NULL);
    CHECK(fjail_wait_dying(other, 0) == 0 && fjail_wait_gone(other, 10) == 0);
    CHECK(fjail_spawn(jail, argv, NULL, NULL, NULL, NULL, &pid) == 0);
    CHECK(fjail_remove_and_wait(jail, 100) == 0); /* its zombie holds it */
    CHECK(fjail_wait_dying(other, -1) == 1);
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
    CHECK(fjail_wait_gone(other, -1) == 1);
    CHECK(fjail_remove_and_wait(other, 0) == -1 && errno == ENOENT);
    CHECK(fjail_wait_dying(NULL, 0) == -1 && errno == EINVAL);
    fjail_free(other);
    fjail_free(jail);
}

#ifdef FJAIL_SIM
static void
a_model_runs_no_program_unless_it_may(void)
{
    const fjail_param params[] = { { "path", "/" } };
    fjail *jail = fjail_create(params, COUNT(params));

    CHECK(jail != NULL);
    CHECK(script(jail, "exit 0", NULL, NULL, NULL, NULL) == -1 && errno == ENOSYS);
    fjail_free(jail);
}

static void
without_descriptors_a_handle_is_kept(void)
{
    const fjail_param params[] = { { "name", "old" }, { "path", "/" } };
    fjail *jail = fjail_create(params, COUNT(params));

    CHECK(jail != NULL);
    CHECK(fjail_descriptor(jail) == -1 && errno == ENOSYS);
    CHECK(fjail_release(jail) == -1 && errno == ENOSYS);
    CHECK(is(jail, "name", "old"));
    fjail_free(jail);
    CHECK(fjail_open("old") == NULL && errno == ENOENT);
}
#endif

/* Only in a child, except on a model, which a child does not have. */
static void
a_process_attaches(void)
{
    const fjail_param params[] = { { "name", "last" }, { "path", "/" } };
    fjail *jail = fjail_create_detached(params, COUNT(params));
    fjail_list *list;
    int status = 0;
    pid_t child = 0;

    CHECK(jail != NULL);
#ifndef FJAIL_SIM
    child = fork();
    CHECK(child != -1);
#endif
    if (child == 0) {
        CHECK(fjail_attach(jail) == 0);
        list = fjail_list_new();
        CHECK(list != NULL && fjail_list_count(list) == 0); /* from inside it is not seen */
        fjail_list_free(list);
    }
#ifndef FJAIL_SIM
    if (child == 0)
        _exit(0);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(fjail_remove(jail) == 0);
#endif
    CHECK(status == 0);
    fjail_free(jail);
}

int
main(void)
{
#ifdef FJAIL_SIM
    fjail_sim *model;

    CHECK(strcmp(fjail_errmsg(), "") == 0);
    CHECK(fjail_sim_install("1.0") == NULL && errno == ENOENT);
    model = fjail_sim_install("14.2");
    CHECK(model != NULL);
    without_descriptors_a_handle_is_kept();
    fjail_sim_uninstall(model);
    model = fjail_sim_install(NULL);
    CHECK(model != NULL);
    a_model_runs_no_program_unless_it_may();
    fjail_sim_allow_exec(NULL);
    fjail_sim_allow_exec(model);
#endif
    values_of_every_kind_are_text();
    errors_have_an_errno_and_a_text();
    a_jail_goes_with_the_handle_that_owns_it();
    a_descriptor_hands_the_jail_over();
    a_program_runs_in_the_jail();
    the_end_of_a_jail_is_waited_for();
    a_process_attaches();
#ifdef FJAIL_SIM
    fjail_sim_uninstall(model);
#endif
    return (0);
}
