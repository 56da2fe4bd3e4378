/* A library put before the system's own (LD_PRELOAD) that lets a disk fail, and a clock be wrong, on command.
 *
 *   FAULT=fsync:EIO@137             the 137th fsync or fdatasync fails with EIO
 *   FAULT=write:ENOSPC@>2000        every write or pwrite from the 2000th on fails with ENOSPC
 *   FAULT=write:short@5             the 5th writes half of what it was given
 *   FAULT=rename:EIO@3,fsync:EIO@9  several, each with a count of its own
 *   FAULT=fsync:kill@7              the process is killed before the 7th; a write has come half way then
 *   FAULT=read:EIO@1                the first read of a segment of a spool (`*.seg`, by pread) fails
 *   FAULT=list:EIO@1                the first read of the list in force (`list/in-force`, by read) fails
 *   BAD=PATH@4096                   the block at octet 4096 of the file that has this path at the start can never be read, whatever the
 *                                   file is called later: a bad sector
 *   POWER=DIR                       what of the files in a directory `spool` is safe is kept in DIR: at each fsync of a file its
 *                                   octets, at each fsync of the directory which names it has; so that whoever killed the
 *                                   process can take away what a power failure would (fault.rs)
 *   CLOCK_FILE=PATH                 eight octets, a signed number of seconds that the wall clock is ahead; read at each call,
 *                                   so that whoever writes the file turns the clock
 *
 * Operations: fsync (fdatasync too), write (pwrite, writev too), rename (renameat too), ftruncate, read (pread of segments), list.
 * Errors: EIO, ENOSPC, EDQUOT, short, kill. Counted and failed are regular files and directories only, without the three standard
 * streams: a log is no part of what is promised, and sockets are not disks. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum operation { FSYNC, WRITE, RENAME, FTRUNCATE, READ, LIST, OPERATIONS };
static const char *const NAMES[OPERATIONS] = {"fsync", "write", "rename", "ftruncate", "read", "list"};
enum { BLOCK_OCTETS = 4096 };
enum { SHORT = -1, KILL = -2, FAULTS_MAX = 16 };

struct fault {
    enum operation operation;
    int error;
    unsigned long at;
    int from_then_on;
};

static struct fault faults[FAULTS_MAX];
static int fault_count;
static atomic_ulong counts[OPERATIONS];
static volatile const long long *clock_ahead_s;
static const char *power;
static struct stat bad;
static off_t bad_at = -1;

static void refuse(const char *text) {
    fprintf(stderr, "fault shim: cannot read \"%s\"\n", text);
    _exit(99);
}

static int error_of(const char *name, size_t length) {
    static const struct { const char *name; int error; } known[] = {
        {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"short", SHORT}, {"kill", KILL},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].name) == length && !memcmp(known[i].name, name, length)) return known[i].error;
    return 0;
}

__attribute__((constructor)) static void begin(void) {
    const char *rest = getenv("FAULT");
    while (rest && *rest) {
        const char *colon = strchr(rest, ':'), *at = strchr(rest, '@');
        if (!colon || !at || at < colon || fault_count == FAULTS_MAX) refuse(rest);
        struct fault *fault = &faults[fault_count++];
        int operation = 0;
        while (operation < OPERATIONS &&
               (strlen(NAMES[operation]) != (size_t)(colon - rest) || memcmp(NAMES[operation], rest, colon - rest)))
            operation++;
        fault->operation = operation;
        fault->error = error_of(colon + 1, at - colon - 1);
        fault->from_then_on = at[1] == '>';
        char *end;
        fault->at = strtoul(at + 1 + fault->from_then_on, &end, 10);
        if (operation == OPERATIONS || !fault->error || !fault->at || (*end && *end != ',')) refuse(rest);
        rest = *end ? end + 1 : end;
    }
    power = getenv("POWER");
    const char *worn = getenv("BAD");
    if (worn) {
        const char *at = strrchr(worn, '@');
        char path[4096];
        if (!at || at - worn >= (long)sizeof path) refuse(worn);
        snprintf(path, sizeof path, "%.*s", (int)(at - worn), worn);
        bad_at = strtol(at + 1, NULL, 10);
        if (stat(path, &bad)) refuse(worn);
    }
    const char *path = getenv("CLOCK_FILE");
    if (path) {
        /* Mapped now: later the program may no longer open what lies outside its own directory. */
        int file = open(path, O_RDONLY | O_CLOEXEC);
        void *mapped = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *clock_ahead_s, PROT_READ, MAP_SHARED, file, 0);
        if (mapped == MAP_FAILED) refuse(path);
        clock_ahead_s = mapped;
        close(file);
    }
}

/* 0: go on; SHORT: write half; else the error. */
static int verdict(enum operation operation) {
    unsigned long count = atomic_fetch_add(&counts[operation], 1) + 1;
    for (int i = 0; i < fault_count; i++)
        if (faults[i].operation == operation && (faults[i].from_then_on ? count >= faults[i].at : count == faults[i].at))
            return faults[i].error;
    return 0;
}

static int is_disk(int file) {
    struct stat status;
    return file > 2 && !fstat(file, &status) && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

static int die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
    return -1;
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define FAIL_OR(operation, file, call) \
    do { \
        int error = is_disk(file) ? verdict(operation) : 0; \
        if (error == KILL) return die(); \
        if (error > 0) { errno = error; return -1; } \
        return call; \
    } while (0)

/* What a file is, whatever name it has and whoever had its number before: `NUMBER-BORN_NS`. */
static int identity(int in, const char *name, char *text, size_t size) {
    struct statx found;
    if (statx(in, name, *name ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &found)) return 0;
    unsigned long long born = found.stx_btime.tv_sec * 1000000000ull + found.stx_btime.tv_nsec;
    snprintf(text, size, "%llu-%llu", (unsigned long long)found.stx_ino, born);
    return S_ISREG(found.stx_mode);
}

/* Past the counts: what is kept beside the disk is no part of it. */
static void keep(const char *name, const char *octets, size_t length) {
    static atomic_int turn;
    char temporary[4200], kept[4200];
    snprintf(temporary, sizeof temporary, "%s/tmp-%d", power, atomic_fetch_add(&turn, 1));
    snprintf(kept, sizeof kept, "%s/%s", power, name);
    FILE *file = fopen(temporary, "we");
    if (!file || fwrite(octets, 1, length, file) != length || fclose(file)) refuse(power);
    static int (*real)(const char *, const char *);
    if (!real) real = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    if (real(temporary, kept)) refuse(kept);
}

/* It is safe now. */
static int safe(int file, int done) {
    char link[64], path[4096], name[64];
    if (done || !power) return done;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 6) return done;
    path[length] = 0;
    char *end = strrchr(path, '/');
    if (!strcmp(end, "/spool")) {
        DIR *directory = opendir(path);
        if (!directory) refuse(path);
        static _Thread_local char names[1 << 20];
        size_t used = 0;
        for (struct dirent *entry; (entry = readdir(directory));)
            if (identity(dirfd(directory), entry->d_name, name, sizeof name))
                used += snprintf(names + used, sizeof names - used, "%s %s\n", name, entry->d_name);
        closedir(directory);
        keep("names", names, used);
    } else if (end - path >= 6 && !memcmp(end - 6, "/spool", 6) && identity(file, "", name, sizeof name)) {
        struct stat status;
        char *octets = fstat(file, &status) ? NULL : malloc(status.st_size + 1);
        if (!octets || pread(file, octets, status.st_size, 0) != status.st_size) refuse(path);
        keep(name, octets, status.st_size);
        free(octets);
    }
    return done;
}

int fsync(int file) { REAL(fsync); FAIL_OR(FSYNC, file, safe(file, real(file))); }
int fdatasync(int file) { REAL(fdatasync); FAIL_OR(FSYNC, file, safe(file, real(file))); }
int ftruncate(int file, off_t length) { REAL(ftruncate); FAIL_OR(FTRUNCATE, file, real(file, length)); }
int ftruncate64(int file, off64_t length) { REAL(ftruncate64); FAIL_OR(FTRUNCATE, file, real(file, length)); }

#define WRITE_OR(file, length, call) \
    do { \
        int error = is_disk(file) ? verdict(WRITE) : 0; \
        if (error > 0) { errno = error; return -1; } \
        if ((error == SHORT || error == KILL) && length > 1) length /= 2; \
        ssize_t done = call; \
        return error == KILL ? die() : done; \
    } while (0)

ssize_t write(int file, const void *octets, size_t length) {
    REAL(write);
    WRITE_OR(file, length, real(file, octets, length));
}
ssize_t pwrite(int file, const void *octets, size_t length, off_t at) {
    REAL(pwrite);
    WRITE_OR(file, length, real(file, octets, length, at));
}
ssize_t pwrite64(int file, const void *octets, size_t length, off64_t at) {
    REAL(pwrite64);
    WRITE_OR(file, length, real(file, octets, length, at));
}
ssize_t writev(int file, const struct iovec *parts, int count) {
    REAL(writev);
    WRITE_OR(file, count, real(file, parts, count));
}

static int is_called(int file, const char *end) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1), wanted = strlen(end);
    return length > wanted && !memcmp(path + length - wanted, end, wanted);
}

static int read_verdict(int file, size_t length, off_t at, enum operation operation, const char *end) {
    struct stat found;
    if (bad_at >= 0 && at < bad_at + BLOCK_OCTETS && at + (off_t)length > bad_at && !fstat(file, &found) &&
        found.st_ino == bad.st_ino && found.st_dev == bad.st_dev)
        return EIO;
    return fault_count && is_disk(file) && is_called(file, end) ? verdict(operation) : 0;
}

#define READ_OR(file, length, at, operation, end, call) \
    do { \
        int error = read_verdict(file, length, at, operation, end); \
        if (error == KILL) return die(); \
        if (error > 0) { errno = error; return -1; } \
        if (error == SHORT && length > 1) length /= 2; \
        return call; \
    } while (0)

ssize_t pread(int file, void *octets, size_t length, off_t at) {
    REAL(pread);
    READ_OR(file, length, at, READ, ".seg", real(file, octets, length, at));
}
ssize_t pread64(int file, void *octets, size_t length, off64_t at) {
    REAL(pread64);
    READ_OR(file, length, at, READ, ".seg", real(file, octets, length, at));
}
ssize_t read(int file, void *octets, size_t length) {
    REAL(read);
    off_t at = bad_at < 0 && !fault_count ? -1 : lseek(file, 0, SEEK_CUR);
    /* What has no places is no file of a disk. */
    if (at < 0) return real(file, octets, length);
    READ_OR(file, length, at, LIST, "/list/in-force", real(file, octets, length));
}

int rename(const char *from, const char *to) {
    REAL(rename);
    int error = verdict(RENAME);
    if (error == KILL) return die();
    if (error > 0) { errno = error; return -1; }
    return real(from, to);
}
int renameat(int from_in, const char *from, int to_in, const char *to) {
    REAL(renameat);
    int error = verdict(RENAME);
    if (error == KILL) return die();
    if (error > 0) { errno = error; return -1; }
    return real(from_in, from, to_in, to);
}

int clock_gettime(clockid_t which, struct timespec *now) {
    REAL(clock_gettime);
    int done = real(which, now);
    if (!done && clock_ahead_s && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) now->tv_sec += *clock_ahead_s;
    return done;
}

time_t time(time_t *told) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (told) *told = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    *now = (struct timeval){.tv_sec = exact.tv_sec, .tv_usec = exact.tv_nsec / 1000};
    return 0;
}
