import { randomBytes } from 'node:crypto';
import {
  type HookTarget,
  type KfMap,
  loadGeneration,
  loadPlain,
  openKfMap,
  removeInstance,
  testRunChain,
  type TestRunResult,
} from '@l3af/kernel';
import type { PacketRun, Subject } from './subject';
import type { LoadSubject, SubjectLoad } from './run-tests';
import { subjectInstance } from './sweep-subjects';
import { proceedNumbers } from './verdicts';

/** Loads an object for tests. Nothing is attached; `close` leaves nothing behind. */
export function subjectLoader(object: Uint8Array): LoadSubject {
  return (load) => (load.form === 'alone' ? loadAlone(object, load) : loadChained(object, load));
}

/** Some fields of a TC packet, such as its length on the wire, are only set when a context is given. */
const skbBytes = 192;
const contextOf = ({ hook }: SubjectLoad): { ctx?: Uint8Array } =>
  hook === 'xdp' ? {} : { ctx: new Uint8Array(skbBytes) };

const packetRun = ({ verdict, dataOut, durationNs }: TestRunResult): PacketRun => ({
  verdict,
  output: dataOut,
  nanoseconds: durationNs,
});

async function loadAlone(object: Uint8Array, load: SubjectLoad): Promise<Subject> {
  const program = await loadPlain({ object, ...load });
  const maps = new Map<string, KfMap>();
  return {
    form: 'alone',
    hook: load.hook,
    fd: program.fd,
    run: (packet, repeat = 1) => packetRun(program.testRun({ dataIn: packet, repeat, ...contextOf(load) })),
    map: (name) => cached(maps, name, () => program.map(name)),
    close: () => program.close(),
  };
}

/** A chain of one on no interface: loaded and pinned, never live. */
async function loadChained(object: Uint8Array, load: SubjectLoad): Promise<Subject> {
  const instance = subjectInstance(process.pid, randomBytes(4).toString('hex'));
  const target: HookTarget = { instance, node: 'verify', interface: 'none', hook: load.hook, ifindex: 0 };
  const maps = new Map<string, KfMap>();
  const close = (): void => {
    for (const map of maps.values()) map.close();
    removeInstance(instance);
  };
  const { hook, program, constants, writes } = load;
  const kf = { name: program, object, program, constants, writes, proceedOn: proceedNumbers(hook) };
  try {
    const loaded = await loadGeneration(target, {
      generation: 1,
      metadata: '',
      reuseFrom: null,
      kfs: [{ ...kf, enabled: true, digest: '', state: 'fresh' }],
    });
    return {
      form: 'chained',
      hook,
      glue: loaded.kfs[0]?.glue,
      run: (packet, repeat = 1) =>
        packetRun(testRunChain(target, 1, { dataIn: packet, repeat, ...contextOf(load) })),
      map: (name) => cached(maps, name, () => openKfMap(target, 1, { kf: program, map: name })),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function cached(maps: Map<string, KfMap>, name: string, open: () => KfMap): KfMap {
  const known = maps.get(name);
  if (known) return known;
  const map = open();
  maps.set(name, map);
  return map;
}
