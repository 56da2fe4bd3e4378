/* What the bench compares with and measures with. Built by the bench itself with cc.
 *
 *   reference pcap FILE          a bare pcap_next_ex loop (libpcap's runtime library is loaded; no headers needed)
 *   reference blocks FILE        1 MiB block reads, walking the records of a little-endian pcap file
 *   reference meter OUT CMD ...  runs CMD; writes to OUT: exit code, user and system microseconds, peak resident KiB
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* As <pcap/pcap.h> has them. */
struct pkthdr { struct timeval ts; uint32_t caplen; uint32_t len; };
typedef void *(*open_offline)(const char *, char *);
typedef int (*next_ex)(void *, struct pkthdr **, const unsigned char **);

static int fail(const char *what) { fprintf(stderr, "reference: %s\n", what); return 1; }

static int pcap(const char *path) {
    void *library = dlopen("libpcap.so.0.8", RTLD_NOW);
    if (!library) library = dlopen("libpcap.so.1", RTLD_NOW);
    if (!library) return fail("no libpcap here; install libpcap0.8");
    open_offline open = (open_offline)dlsym(library, "pcap_open_offline");
    next_ex next = (next_ex)dlsym(library, "pcap_next_ex");
    if (!open || !next) return fail("libpcap lacks a function");
    char error[256] = "";
    void *handle = open(path, error);
    if (!handle) return fail(error);
    struct pkthdr *header;
    const unsigned char *octets;
    uint64_t packets = 0, sum = 0;
    while (next(handle, &header, &octets) == 1) { packets++; sum += header->caplen; }
    printf("%llu %llu\n", (unsigned long long)packets, (unsigned long long)sum);
    return 0;
}

static int blocks(const char *path) {
    enum { BLOCK = 1 << 20, ROOM = BLOCK + (1 << 19) };
    static unsigned char room[ROOM];
    int file = open(path, O_RDONLY);
    if (file < 0) return fail("cannot open the capture");
    size_t held = 0, at = 24;
    uint64_t packets = 0, sum = 0;
    for (;;) {
        ssize_t got = read(file, room + held, BLOCK);
        if (got <= 0) break;
        held += (size_t)got;
        while (at + 16 <= held) {
            uint32_t length;
            memcpy(&length, room + at + 8, 4);
            if (length > (1 << 18)) return fail("no such record");
            if (at + 16 + length > held) break;
            packets++;
            sum += length;
            at += 16 + length;
        }
        memmove(room, room + at, held - at);
        held -= at;
        at = 0;
    }
    printf("%llu %llu\n", (unsigned long long)packets, (unsigned long long)sum);
    return 0;
}

static int meter(const char *out, char **command) {
    pid_t child = fork();
    if (child < 0) return fail("cannot fork");
    if (child == 0) { execvp(command[0], command); _exit(127); }
    int status;
    struct rusage use;
    if (wait4(child, &status, 0, &use) < 0) return fail("cannot wait");
    FILE *file = fopen(out, "w");
    if (!file) return fail("cannot write");
    long long user = use.ru_utime.tv_sec * 1000000LL + use.ru_utime.tv_usec;
    long long system = use.ru_stime.tv_sec * 1000000LL + use.ru_stime.tv_usec;
    fprintf(file, "%d %lld %lld %ld\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1, user, system, use.ru_maxrss);
    return fclose(file) ? 1 : 0;
}

int main(int count, char **words) {
    if (count == 3 && !strcmp(words[1], "pcap")) return pcap(words[2]);
    if (count == 3 && !strcmp(words[1], "blocks")) return blocks(words[2]);
    if (count >= 4 && !strcmp(words[1], "meter")) return meter(words[2], words + 3);
    return fail("pcap FILE | blocks FILE | meter OUT CMD ...");
}
