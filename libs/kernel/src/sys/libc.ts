/* eslint-disable max-params -- the signatures are C's */
import koffi from 'koffi';
import { KernelCallError } from './errors';

// FFI: glibc, any thread; nothing is allocated for us. Every result is checked by `checked` right after the call,
// since any other call may overwrite errno.
const libc = koffi.load('libc.so.6');

const c = {
  syscall4: libc.func('int64 syscall(int64 number, int64 a, void *b, int64 c)') as (
    number: number,
    a: number,
    b: Uint8Array | null,
    c: number,
  ) => number,
  syscall6: libc.func('int64 syscall(int64 number, void *a, int64 b, int64 c, int64 d, int64 e)') as (
    number: number,
    a: Uint8Array | null,
    b: number,
    c: number,
    d: number,
    e: number,
  ) => number,
  ioctl: libc.func('int ioctl(int fd, uint64 request, int64 argument)') as (
    fd: number,
    request: number,
    argument: number,
  ) => number,
  setns: libc.func('int setns(int fd, int type)') as (fd: number, type: number) => number,
  mount: libc.func(
    'int mount(const char *source, const char *target, const char *type, uint64 flags, void *data)',
  ) as (source: string, target: string, type: string, flags: number, data: null) => number,
  socket: libc.func('int socket(int domain, int type, int protocol)') as (
    domain: number,
    type: number,
    protocol: number,
  ) => number,
  bind: libc.func('int bind(int fd, void *address, uint32 bytes)') as (
    fd: number,
    address: Uint8Array,
    bytes: number,
  ) => number,
  setsockopt: libc.func('int setsockopt(int fd, int level, int name, void *value, uint32 bytes)') as (
    fd: number,
    level: number,
    name: number,
    value: Uint8Array,
    bytes: number,
  ) => number,
  send: libc.func('int64 send(int fd, void *data, uint64 bytes, int flags)') as (
    fd: number,
    data: Uint8Array,
    bytes: number,
    flags: number,
  ) => number,
  recv: libc.func('int64 recv(int fd, void *data, uint64 bytes, int flags)') as (
    fd: number,
    data: Uint8Array,
    bytes: number,
    flags: number,
  ) => number,
  setenv: libc.func('int setenv(const char *name, const char *value, int overwrite)') as (
    name: string,
    value: string,
    overwrite: number,
  ) => number,
  unsetenv: libc.func('int unsetenv(const char *name)') as (name: string) => number,
  unshare: libc.func('int unshare(int flags)') as (flags: number) => number,
  setrlimit: libc.func('int setrlimit(int resource, void *limit)') as (
    resource: number,
    limit: Uint8Array,
  ) => number,
  exit: libc.func('void _exit(int code)') as (code: number) => void,
  copyOut: libc.func('void *memcpy(void *to, void *from, uint64 bytes)') as (
    to: Uint8Array,
    from: bigint,
    bytes: number,
  ) => bigint,
  copyIn: libc.func('void *memcpy(void *to, void *from, uint64 bytes)') as (
    to: bigint,
    from: Uint8Array,
    bytes: number,
  ) => bigint,
  vsnprintf: libc.func('int vsnprintf(void *buffer, uint64 bytes, void *format, void *arguments)') as (
    buffer: Uint8Array,
    bytes: number,
    format: bigint,
    args: bigint | Uint8Array,
  ) => number,
};

/** System call numbers by architecture; x86-64 and the generic table that arm64 and riscv use. */
const numbers =
  process.arch === 'x64' ? { bpf: 321, perf_event_open: 298 } : { bpf: 280, perf_event_open: 241 };

function checked(call: string, result: number, subject?: string): number {
  if (result < 0) throw new KernelCallError(call, koffi.errno(), subject);
  return result;
}

/** bpf(2). Returns what the command returns: a descriptor or 0. */
export function bpfCall(call: string, command: number, attributes: Buffer, subject?: string): number {
  return checked(call, c.syscall4(numbers.bpf, command, attributes, attributes.length), subject);
}

/** perf_event_open(2) for all processes on one CPU. */
export function perfEventOpen(attributes: Buffer, pid: number, cpu: number): number {
  const flagCloseOnExec = 8;
  return checked(
    'perf_event_open',
    c.syscall6(numbers.perf_event_open, attributes, pid, cpu, -1, flagCloseOnExec),
  );
}

/** Lets a program run at a perf event, as long as the event's descriptor is open. Since Linux 4.1; links came with 5.15. */
export function setEventProgram(eventFd: number, programFd: number): void {
  const [setProgram, enable] = [0x4004_2408, 0x2400];
  checked('PERF_EVENT_IOC_SET_BPF', c.ioctl(eventFd, setProgram, programFd));
  checked('PERF_EVENT_IOC_ENABLE', c.ioctl(eventFd, enable, 0));
}

/** setns(2) of the calling thread into a network namespace. */
export function setNetns(fd: number, subject: string): void {
  const cloneNewNet = 0x4000_0000;
  checked('setns', c.setns(fd, cloneNewNet), subject);
}

/** unshare(2): a network namespace of its own for the calling thread and the processes it starts. It goes with them. */
export function ownNetns(): void {
  const cloneNewNet = 0x4000_0000;
  checked('unshare', c.unshare(cloneNewNet));
}

export function mountFilesystem(type: string, target: string): void {
  checked('mount', c.mount(type, target, type, 0, null), target);
}

export function netlinkSocket(protocol: number, nonBlocking: boolean): number {
  const [familyNetlink, raw, closeOnExec, nonBlock] = [16, 3, 0o2000000, 0o4000];
  return checked(
    'socket',
    c.socket(familyNetlink, raw | closeOnExec | (nonBlocking ? nonBlock : 0), protocol),
  );
}

export function bindSocket(fd: number, address: Uint8Array): void {
  checked('bind', c.bind(fd, address, address.length));
}

export function setSocketOption(fd: number, level: number, option: { name: number; value: number }): void {
  const value = Buffer.alloc(4);
  value.writeInt32LE(option.value);
  checked('setsockopt', c.setsockopt(fd, level, option.name, value, value.length));
}

export function sendBytes(fd: number, data: Uint8Array): number {
  return checked('send', c.send(fd, data, data.length, 0));
}

/** With `MSG_TRUNC`, so that the result is the message's real size. */
export function receiveBytes(fd: number, into: Uint8Array): number {
  const messageTruncated = 0x20;
  return checked('recv', c.recv(fd, into, into.length, messageTruncated));
}

/** Kernels before 5.11 account eBPF memory against RLIMIT_MEMLOCK. */
export function raiseMemlockLimit(): void {
  const memlock = 8;
  c.setrlimit(memlock, Buffer.alloc(16, 0xff)); // without CAP_SYS_RESOURCE it fails, and 5.11+ does not need it
}

/** _exit(2): ends the process at once, whatever its threads do. */
export function exitNow(code: number): void {
  c.exit(code);
}

/** Formats as C does. A va_list is used up by formatting, so it is copied for the second try with a larger buffer. */
export function formatVaList(format: bigint, args: bigint): string {
  const vaListBytes = 32; // 24 on x86-64, 32 on arm64
  const copy = readMemory(args, vaListBytes);
  let buffer = Buffer.alloc(1024);
  const length = c.vsnprintf(buffer, buffer.length, format, args);
  if (length < 0) return '';
  if (length >= buffer.length) {
    buffer = Buffer.alloc(length + 1);
    c.vsnprintf(buffer, buffer.length, format, copy);
  }
  return buffer.toString('utf8', 0, length);
}

/** Copies memory that C owns. The caller vouches for address and size. */
export function readMemory(address: bigint, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  if (bytes > 0) c.copyOut(buffer, address, bytes);
  return buffer;
}

/** Overwrites memory that C owns. The caller vouches for address and size. */
export function writeMemory(address: bigint, bytes: Uint8Array): void {
  if (bytes.length > 0) c.copyIn(address, bytes, bytes.length);
}

/** Sets a variable in the environment that C libraries of this process read; undefined takes it away. */
export function setEnvironment(name: string, value: string | undefined): void {
  if (value === undefined) checked('unsetenv', c.unsetenv(name), name);
  else checked('setenv', c.setenv(name, value, 1), name);
}
