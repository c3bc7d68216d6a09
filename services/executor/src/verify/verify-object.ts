import { createHash } from 'node:crypto';
import { release } from 'node:os';
import { deriveSchema } from '@l3af/bpf-object';
import {
  cannot,
  L3afError,
  toWireError,
  type Hook,
  type ObjectSchema,
  type WireError,
} from '@l3af/contracts';
import { programInfo } from '@l3af/kernel';
import { buildPacket } from './build-packet';
import { packetSchema } from './packet-layers';
import type { PacketTest } from './packet-tests';
import {
  defaultHooks,
  type Form,
  type LoadSubject,
  programsFor,
  runTests,
  type TestResult,
} from './run-tests';
import { subjectLoader } from './load-subject';
import type { Subject } from './subject';
import { sweepSubjects } from './sweep-subjects';

/** What loading came to: the cost of a packet, or why the kernel refused. */
export type Loading =
  | {
      loaded: true;
      /** Instructions that the verifier went through; absent before Linux 5.16. */
      instructions?: number;
      /** Best mean of several runs with a small UDP packet; absent where time is not real. */
      nanosecondsPerPacket?: number;
      /** How the KF is glued into a chain. */
      glue?: string;
    }
  | { loaded: false; error: WireError };

export interface VerifyReport {
  kernel: string;
  /** Of the object. */
  digest: string;
  programs: ({ program: string; hook: Hook } & Record<Form, Loading>)[];
  tests: TestResult[];
  passed: number;
  failed: number;
  skipped: number;
  /** Every program loads, alone and chained, and no test failed. */
  ok: boolean;
}

export interface VerifyRequest {
  object: Uint8Array;
  tests: readonly PacketTest[];
  /** Default: every program that a chain could run. */
  program?: string | undefined;
  hook?: Hook | undefined;
  /** Whether to measure; an emulated machine's times say nothing. Default: yes. */
  timing?: boolean | undefined;
}

/** Loads an object alone and behind the glue, runs its packet tests, and leaves nothing behind. Needs root. */
export async function verifyObject(request: VerifyRequest): Promise<VerifyReport> {
  sweepSubjects();
  const { object, timing = true } = request;
  const schema = deriveSchema(object);
  const load = subjectLoader(object);
  const programs: VerifyReport['programs'] = [];
  for (const { program, hook } of chosenPrograms(schema, request)) {
    const alone = await loading(load, { program, hook, form: 'alone' }, timing);
    const chained = await loading(load, { program, hook, form: 'chained' }, timing);
    programs.push({ program, hook, alone, chained });
  }
  const tests = await runTests(request.tests, schema, load);
  const count = (outcome: TestResult['outcome']): number =>
    tests.filter((test) => test.outcome === outcome).length;
  const failed = count('failed');
  return {
    kernel: release(),
    digest: `sha256:${createHash('sha256').update(object).digest('hex')}`,
    programs,
    tests,
    passed: count('passed'),
    failed,
    skipped: count('skipped'),
    ok: failed === 0 && programs.every(({ alone, chained }) => alone.loaded && chained.loaded),
  };
}

function chosenPrograms(
  schema: ObjectSchema,
  { program, hook }: VerifyRequest,
): { program: string; hook: Hook }[] {
  const chosen = (hook ? [hook] : defaultHooks(schema)).flatMap((each) =>
    programsFor(schema, each)
      .filter((name) => program === undefined || name === program)
      .map((name) => ({ program: name, hook: each })),
  );
  if (chosen.length > 0) return chosen;
  const names = schema.programs.map(({ name }) => name).join(', ');
  const wanted = `${program ?? 'program'} for ${hook ?? 'any hook'}`;
  const state = `no ${wanted} of a chain in it, it has ${names || 'none'}`;
  throw new L3afError('unknown-program', cannot('verify', 'object', wanted, state));
}

async function loading(
  load: LoadSubject,
  what: { program: string; hook: Hook; form: Form },
  timing: boolean,
): Promise<Loading> {
  try {
    const subject = await load({ ...what, constants: [], writes: [] });
    try {
      const instructions = subject.fd === undefined ? 0 : programInfo(subject.fd).verifiedInstructions;
      return {
        loaded: true,
        ...(instructions > 0 && { instructions }),
        ...(timing && { nanosecondsPerPacket: measure(subject) }),
        ...(subject.glue !== undefined && { glue: subject.glue }),
      };
    } finally {
      subject.close();
    }
  } catch (error) {
    return { loaded: false, error: toWireError(error) };
  }
}

const [rounds, packetsPerRound] = [5, 100_000];

function measure(subject: Subject): number {
  const packet = buildPacket(packetSchema.parse([{ ipv4: {} }, { udp: {} }, { payload: { bytes: 18 } }]));
  const times = Array.from({ length: rounds }, () => subject.run(packet, packetsPerRound).nanoseconds);
  return Math.min(...times);
}
