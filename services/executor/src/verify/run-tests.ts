import { release } from 'node:os';
import { cannot, L3afError, type Hook, type ObjectSchema } from '@l3af/contracts';
import { compareKernels, type ConfigPlan, hooksOf, planConfig } from '@l3af/bpf-object';
import { withClock } from './clock-values';
import type { PacketTest } from './packet-tests';
import { runStep } from './run-step';
import type { Subject } from './subject';

export const forms = ['alone', 'chained'] as const;
export type Form = (typeof forms)[number];

/** Where and with what an object is loaded for a test. */
export interface SubjectLoad extends ConfigPlan {
  hook: Hook;
  program: string;
  form: Form;
}
export type LoadSubject = (load: SubjectLoad) => Promise<Subject>;

export interface TestResult {
  name: string;
  hook: Hook;
  program: string;
  form: Form;
  outcome: 'passed' | 'failed' | 'skipped';
  /** What was not as expected, or why it was skipped. */
  reasons: string[];
}

/** Runs every test on each of its hooks, alone and behind the glue, each on an object freshly loaded. */
export async function runTests(
  tests: readonly PacketTest[],
  schema: ObjectSchema,
  load: LoadSubject,
): Promise<TestResult[]> {
  const results: TestResult[] = [];
  for (const test of tests) {
    for (const hook of test.hooks ?? defaultHooks(schema)) {
      for (const form of forms) results.push(await runOne({ test, hook, form }, schema, load));
    }
  }
  return results;
}

/** A TC program sees no difference between the directions, so one stands for both. */
export const defaultHooks = (schema: ObjectSchema): Hook[] =>
  (['xdp', 'tc-ingress'] as const).filter((hook) => programsFor(schema, hook).length > 0);

export const programsFor = (schema: ObjectSchema, hook: Hook): string[] =>
  schema.programs.filter((program) => hooksOf(program).includes(hook)).map(({ name }) => name);

async function runOne(
  { test, hook, form }: { test: PacketTest; hook: Hook; form: Form },
  schema: ObjectSchema,
  load: LoadSubject,
): Promise<TestResult> {
  const result = { name: test.name, hook, form, program: test.program ?? '' };
  if (test.kernel !== undefined && compareKernels(release(), test.kernel) < 0) {
    const reason = `needs Linux ${test.kernel}, this is ${release()}`;
    return { ...result, outcome: 'skipped', reasons: [reason] };
  }
  try {
    const program = test.program ?? onlyProgram(schema, hook);
    const config = Object.fromEntries(
      Object.entries(test.config).map(([name, value]) => [name, withClock(value, process.hrtime.bigint())]),
    );
    const subject = await load({ hook, program, form, ...planConfig(schema, config) });
    try {
      const reasons = failuresOf(test, subject, schema);
      return { ...result, program, outcome: reasons.length > 0 ? 'failed' : 'passed', reasons };
    } finally {
      subject.close();
    }
  } catch (error) {
    return {
      ...result,
      outcome: 'failed',
      reasons: [error instanceof Error ? error.message : String(error)],
    };
  }
}

/** Stops at the first step that fails: what follows would only repeat it. */
function failuresOf(test: PacketTest, subject: Subject, schema: ObjectSchema): string[] {
  for (const [index, step] of test.steps.entries()) {
    const failures = runStep(step, subject, schema);
    if (failures.length > 0) {
      return test.steps.length === 1 ? failures : failures.map((text) => `step ${index + 1}: ${text}`);
    }
  }
  return [];
}

function onlyProgram(schema: ObjectSchema, hook: Hook): string {
  const programs = programsFor(schema, hook);
  const [only] = programs;
  if (only !== undefined && programs.length === 1) return only;
  throw new L3afError(
    'unknown-program',
    cannot('test', 'object', hook, `it has ${programs.length} programs for it, needs the name of one`),
  );
}
