// The guest's kernel hands its processes' registers to the host in an area of a fixed size. A host whose processor has larger ones
// (AMX: 11,008 bytes instead of 2,696) refuses that with EFAULT, and the guest's first process is never started. Loaded into the
// guest's kernel by tests/lab/uml where the host is such a one: the area is lengthened by zeros, the state of registers never used.
#define _GNU_SOURCE
#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// As in <unistd.h>'s syscall: -1 and errno on error. libc's own differs for PTRACE_PEEK* only: there the word is the result.
static long direct(int request, pid_t pid, void *address, void *data)
{
	return syscall(SYS_ptrace, request, pid, address, data);
}

long ptrace(enum __ptrace_request request, ...)
{
	va_list rest;
	va_start(rest, request);
	pid_t pid = va_arg(rest, pid_t);
	void *address = va_arg(rest, void *);
	void *data = va_arg(rest, void *);
	va_end(rest);

	if (request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA || request == PTRACE_PEEKUSER) {
		long word;
		return direct(request, pid, address, &word) < 0 ? -1 : word;
	}
	if (request != PTRACE_SETREGSET || (long)address != NT_X86_XSTATE)
		return direct(request, pid, address, data);

	static char area[65536] __attribute__((aligned(64)));
	const struct iovec *given = data;
	unsigned a, size, c, d; // EBX of leaf 0xd: the area that holds all registers that are switched on
	if (!__get_cpuid_count(0xd, 0, &a, &size, &c, &d) || size > sizeof area || size <= given->iov_len)
		return direct(request, pid, address, data);
	memcpy(area, given->iov_base, given->iov_len);
	struct iovec lengthened = { area, size };
	return direct(request, pid, address, &lengthened);
}
