import koffi from 'koffi';
import { endableDuring } from '../sys/end';
import { KernelCallError } from '../sys/errors';
import { formatVaList, raiseMemlockLimit, readMemory } from '../sys/libc';

// koffi 3 pointers are untyped BigInts: the brand is the only thing between a mix-up and a crash of the process.
declare const brand: unique symbol;
type Pointer<Name extends string> = bigint & { readonly [brand]: Name };
export type BpfObject = Pointer<'bpf_object'>;
export type BpfProgram = Pointer<'bpf_program'>;
export type BpfMap = Pointer<'bpf_map'>;
export type Btf = Pointer<'btf'>;
export type BtfType = Pointer<'btf_type'>;
export type LoadOptions = Pointer<'bpf_prog_load_opts'>;
export type RingBuffer = Pointer<'ring_buffer'>;

// FFI: libbpf 1.1. Objects are freed by closing them; programs, maps and BTF belong to their object. All calls on one
// object must be serial; `load` may run on another thread as long as nothing else touches the object meanwhile.
const library = koffi.load('libbpf.so.1');
type Call<Arguments extends unknown[], Result> = (...args: Arguments) => Result;
const declare = <Arguments extends unknown[], Result>(prototype: string): Call<Arguments, Result> =>
  library.func(prototype) as Call<Arguments, Result>;

const loadObject = library.func('int bpf_object__load(void *object)');

export const libbpf = {
  openMemory: declare<[Uint8Array, number, Uint8Array], BpfObject | null>(
    'void *bpf_object__open_mem(void *bytes, uint64 size, void *options)',
  ),
  load: loadObject as Call<[BpfObject], number>,
  close: declare<[BpfObject], void>('void bpf_object__close(void *object)'),
  btf: declare<[BpfObject], Btf | null>('void *bpf_object__btf(void *object)'),
  findType: declare<[Btf, string, number], number>(
    'int btf__find_by_name_kind(void *btf, const char *name, uint32 kind)',
  ),
  typeById: declare<[Btf, number], BtfType | null>('void *btf__type_by_id(void *btf, uint32 id)'),
  typeName: declare<[Btf, number], string | null>(
    'const char *btf__name_by_offset(void *btf, uint32 offset)',
  ),
  nextProgram: declare<[BpfObject, BpfProgram | null], BpfProgram | null>(
    'void *bpf_object__next_program(void *object, void *program)',
  ),
  nextMap: declare<[BpfObject, BpfMap | null], BpfMap | null>(
    'void *bpf_object__next_map(void *object, void *map)',
  ),
  programName: declare<[BpfProgram], string>('const char *bpf_program__name(void *program)'),
  programSection: declare<[BpfProgram], string>('const char *bpf_program__section_name(void *program)'),
  programType: declare<[BpfProgram], number>('int bpf_program__type(void *program)'),
  programFd: declare<[BpfProgram], number>('int bpf_program__fd(void *program)'),
  setType: declare<[BpfProgram, number], number>('int bpf_program__set_type(void *program, int type)'),
  setAutoload: declare<[BpfProgram, boolean], number>(
    'int bpf_program__set_autoload(void *program, bool autoload)',
  ),
  instructions: declare<[BpfProgram], bigint>('void *bpf_program__insns(void *program)'),
  instructionCount: declare<[BpfProgram], number>('uint64 bpf_program__insn_cnt(void *program)'),
  setInstructions: declare<[BpfProgram, Uint8Array, number], number>(
    'int bpf_program__set_insns(void *program, void *instructions, uint64 count)',
  ),
  setLogBuffer: declare<[BpfProgram, Uint8Array, number], number>(
    'int bpf_program__set_log_buf(void *program, void *buffer, uint64 size)',
  ),
  mapName: declare<[BpfMap], string>('const char *bpf_map__name(void *map)'),
  mapFd: declare<[BpfMap], number>('int bpf_map__fd(void *map)'),
  mapType: declare<[BpfMap], number>('int bpf_map__type(void *map)'),
  mapKeySize: declare<[BpfMap], number>('uint32 bpf_map__key_size(void *map)'),
  mapValueSize: declare<[BpfMap], number>('uint32 bpf_map__value_size(void *map)'),
  mapMaxEntries: declare<[BpfMap], number>('uint32 bpf_map__max_entries(void *map)'),
  mapFlags: declare<[BpfMap], number>('uint32 bpf_map__map_flags(void *map)'),
  mapInitialValue: declare<[BpfMap, Uint8Array], bigint | null>(
    'void *bpf_map__initial_value(void *map, void *size)',
  ),
  mapPinPath: declare<[BpfMap], string | null>('const char *bpf_map__pin_path(void *map)'),
  setMapPinPath: declare<[BpfMap, string | null], number>(
    'int bpf_map__set_pin_path(void *map, const char *path)',
  ),
  reuseMap: declare<[BpfMap, number], number>('int bpf_map__reuse_fd(void *map, int fd)'),
  registerHandler: declare<[string | null, number, number, Uint8Array], number>(
    'int libbpf_register_prog_handler(const char *section, int type, int attach, void *options)',
  ),
  unregisterHandler: declare<[number], number>('int libbpf_unregister_prog_handler(int id)'),
  ringNew: declare<[number, bigint, null, null], RingBuffer | null>(
    'void *ring_buffer__new(int map_fd, void *each, void *context, void *options)',
  ),
  ringConsume: declare<[RingBuffer], number>('int ring_buffer__consume(void *ring)'),
  ringFree: declare<[RingBuffer], void>('void ring_buffer__free(void *ring)'),
  setPrint: declare<[bigint | null], bigint | null>('void *libbpf_set_print(void *print)'),
};

/** libbpf answers a negative errno. */
export function checkCode(call: string, result: number, subject?: string): number {
  if (result < 0) throw new KernelCallError(call, -result, subject, takeMessages());
  return result;
}

/** libbpf answers NULL and sets errno, which must be read before any other call. */
export function checkPointer<T extends bigint>(call: string, pointer: T | null, subject?: string): T {
  if (pointer !== null) return pointer;
  throw new KernelCallError(call, koffi.errno(), subject, takeMessages());
}

/** Loads on another thread: verification can take seconds. Callbacks still run on the main thread. */
export function loadAsync(object: BpfObject): Promise<number> {
  const load = (): Promise<number> =>
    new Promise((resolve, reject) => {
      loadObject.async(object, (error: Error | null, result: number) =>
        error ? reject(error) : resolve(result),
      );
    });
  return endableDuring(load);
}

const printProto = koffi.proto('int', ['int', 'void *', 'void *']);
const messages: string[] = [];
const messagesMax = 200;
let printer: bigint | undefined;

function collect(level: number, format: bigint, args: bigint): number {
  const debug = 2;
  if (level < debug && messages.length < messagesMax) messages.push(formatVaList(format, args).trimEnd());
  return 0;
}

/**
 * Turns collecting of libbpf's messages on or off. It stays off where libbpf runs on another thread, since every
 * message, debugging ones included, would be carried over to the main thread.
 */
export function collectMessages(on: boolean): void {
  printer ??= koffi.register(collect, koffi.pointer(printProto));
  libbpf.setPrint(on ? printer : null);
}

/** What libbpf said since the last call; undefined when nothing. */
export function takeMessages(): string | undefined {
  const text = messages
    .splice(0)
    .map((message) => message.replace(/^libbpf: /, ''))
    .join('; ');
  return text === '' ? undefined : text;
}

raiseMemlockLimit();
collectMessages(false);

export function programsOf(object: BpfObject): BpfProgram[] {
  const programs: BpfProgram[] = [];
  for (let next = libbpf.nextProgram(object, null); next; next = libbpf.nextProgram(object, next)) {
    programs.push(next);
  }
  return programs;
}

export function mapsOf(object: BpfObject): BpfMap[] {
  const maps: BpfMap[] = [];
  for (let next = libbpf.nextMap(object, null); next; next = libbpf.nextMap(object, next)) maps.push(next);
  return maps;
}

/** A map's name as its object's author knows it: libbpf puts the object's name in front of `.bss` and its like. */
export function mapNameOf(map: BpfMap): string {
  const name = libbpf.mapName(map);
  return name.slice(Math.max(name.indexOf('.'), 0));
}

export function instructionsOf(program: BpfProgram): Buffer {
  return readMemory(libbpf.instructions(program), libbpf.instructionCount(program) * 8);
}
