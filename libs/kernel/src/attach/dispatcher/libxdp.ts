import koffi from 'koffi';
import { cannot, L3afError } from '@l3af/contracts';
import { programType } from '../../bpf/program';
import { libbpf, programsOf, type BpfObject } from '../../object/libbpf';
import { registerHandlers, withoutPrepare } from '../../object/handlers';
import { KernelCallError } from '../../sys/errors';
import { formatVaList } from '../../sys/libc';

// koffi's pointers are untyped: the brand keeps them apart.
declare const brand: unique symbol;
export type XdpProgram = bigint & { readonly [brand]: 'xdp_program' };

type Call<Arguments extends unknown[], Result> = (...args: Arguments) => Result;

/** How libxdp names the modes of an XDP hook. */
export const libxdpMode = { asItIs: 0, native: 1, generic: 2 } as const;

// FFI: libxdp 1.2 or later, which keeps the protocol by which several programs share an XDP hook. Its calls are blocking
// and work on the network namespace of the calling thread.
function open() {
  const library = koffi.load('libxdp.so.1');
  const declare = <Arguments extends unknown[], Result>(prototype: string): Call<Arguments, Result> =>
    library.func(prototype) as Call<Arguments, Result>;
  return {
    findFile: declare<[string, null, null], XdpProgram | null>(
      'void *xdp_program__find_file(const char *file, const char *section, void *options)',
    ),
    openFile: declare<[string, null, null], XdpProgram | null>(
      'void *xdp_program__open_file(const char *path, const char *section, void *options)',
    ),
    fromFd: declare<[number], XdpProgram | null>('void *xdp_program__from_fd(int fd)'),
    object: declare<[XdpProgram], BpfObject | null>('void *xdp_program__bpf_obj(void *program)'),
    attach: declare<[XdpProgram, number, number, number], number>(
      'int xdp_program__attach(void *program, int ifindex, int mode, uint32 flags)',
    ),
    detach: declare<[XdpProgram, number, number, number], number>(
      'int xdp_program__detach(void *program, int ifindex, int mode, uint32 flags)',
    ),
    close: declare<[XdpProgram], void>('void xdp_program__close(void *program)'),
    setPrint: declare<[bigint], bigint | null>('void *libxdp_set_print(void *print)'),
  };
}

export type Libxdp = ReturnType<typeof open>;
let opened: Libxdp | undefined;
const printProto = koffi.proto('int', ['int', 'void *', 'void *']);
let messages: string[] = [];

function collect(level: number, format: bigint, args: bigint): number {
  const debug = 2;
  if (level < debug)
    messages.push(
      formatVaList(format, args)
        .replace(/^libxdp: /, '')
        .trim(),
    );
  return 0;
}

function load(): Libxdp {
  if (opened) return opened;
  try {
    opened = open();
  } catch (error) {
    const state = 'libxdp.so.1 cannot be loaded, needs libxdp 1.2 or later on this machine';
    throw new L3afError('kernel-unsupported', cannot('use', 'library', 'libxdp', state), {
      cause: error,
      hint: 'Install libxdp (Debian and Ubuntu: apt-get install libxdp1), or take `dispatcher` out of the document',
    });
  }
  opened.setPrint(koffi.register(collect, koffi.pointer(printProto)));
  return opened;
}

/** Runs calls of libxdp: its dispatcher goes through libbpf as if nobody else were there. Synchronous code only. */
export function withLibxdp<T>(body: (libxdp: Libxdp) => T): T {
  const libxdp = load();
  registerHandlers();
  messages = [];
  return withoutPrepare(() => body(libxdp));
}

/** libxdp answers a negative errno, and says more by its messages. */
export function checkLibxdp(call: string, result: number, subject: string): void {
  if (result < 0) throw new KernelCallError(call, -result, subject, messages.join('; ') || undefined);
}

/** NULL and the last page of addresses are errors. */
export function checkXdpProgram(call: string, program: XdpProgram | null, subject: string): XdpProgram {
  const lowestError = 2n ** 64n - 4096n;
  if (program === null || program >= lowestError)
    throw new KernelCallError(call, program === null ? koffi.errno() : Number(2n ** 64n - program), subject);
  return program;
}

const functionKind = 12;

/** Runs `body` with libxdp's dispatcher loaded, not attached: a program is verified against one of its functions. */
export function withTemplate<T>(body: (template: { programFd: number; functionId: number }) => T): T {
  return withLibxdp((libxdp) => {
    const file = 'xdp-dispatcher.o';
    const program = checkXdpProgram('xdp_program__find_file', libxdp.findFile(file, null, null), file);
    try {
      const object = libxdp.object(program);
      if (object === null) throw new KernelCallError('xdp_program__bpf_obj', koffi.errno(), file);
      return body(loadTemplate(object, file));
    } finally {
      libxdp.close(program);
    }
  });
}

function loadTemplate(object: BpfObject, file: string): { programFd: number; functionId: number } {
  const programs = programsOf(object);
  const dispatcher = programs.find((one) => libbpf.programName(one) === 'xdp_dispatcher');
  const btf = libbpf.btf(object);
  if (dispatcher === undefined || btf === null)
    throw new L3afError(
      'kernel-unsupported',
      cannot('use', 'library', 'libxdp', `${file} has no dispatcher`),
    );
  for (const one of programs) libbpf.setAutoload(one, one === dispatcher);
  libbpf.setType(dispatcher, programType.xdp);
  checkLibxdp('bpf_object__load', libbpf.load(object), file);
  return {
    programFd: libbpf.programFd(dispatcher),
    functionId: libbpf.findType(btf, 'xdp_dispatcher', functionKind),
  };
}
