import { type ConfigValue, type MapSchema, type ObjectSchema } from '@l3af/contracts';
import { decodeMapValue, encodeKey, planConfig } from '@l3af/bpf-object';
import { buildPacket } from './build-packet';
import { withClock } from './clock-values';
import { differences, sumOf } from './compare';
import type { PacketStep } from './packet-tests';
import type { PacketRun, Subject } from './subject';
import { isExpected, verdictName } from './verdicts';

/** Runs one step and says what was not as expected; empty when all was. */
export function runStep(step: PacketStep, subject: Subject, schema: ObjectSchema): string[] {
  write(step.set ?? {}, subject, schema);
  const packet = buildPacket(step.packet);
  const times = step.repeat ?? 1;
  for (let count = 1; count <= times; count++) {
    const failures = packetFailures(step, subject, { packet, run: subject.run(packet) });
    if (failures.length > 0) {
      return times === 1 ? failures : failures.map((text) => `${text} (packet ${count} of ${times})`);
    }
  }
  return mapFailures(step.maps ?? {}, subject, schema);
}

/** Nanoseconds of the clock that bpf_ktime_get_ns reads. */
const monotonic = (): bigint => process.hrtime.bigint();

function write(entries: Record<string, ConfigValue>, subject: Subject, schema: ObjectSchema): void {
  const now = monotonic();
  const values = Object.fromEntries(
    Object.entries(entries).map(([name, value]) => [name, withClock(value, now)]),
  );
  for (const { map, key, value } of planConfig(schema, values, { path: 'set' }).writes) {
    subject.map(map).update(key, value);
  }
}

function packetFailures(
  step: PacketStep,
  subject: Subject,
  { packet, run }: { packet: Buffer; run: PacketRun },
): string[] {
  if (!isExpected(step.verdict, run.verdict, subject)) {
    return [`verdict: is ${verdictName(run.verdict, subject.hook)}, expected ${step.verdict}`];
  }
  if (step.output === undefined) return [];
  const expected = step.output === 'unchanged' ? packet : buildPacket(step.output);
  if (expected.equals(run.output)) return [];
  return [`output: is ${Buffer.from(run.output).toString('hex')}, expected ${expected.toString('hex')}`];
}

function mapFailures(
  expected: Record<string, ConfigValue>,
  subject: Subject,
  schema: ObjectSchema,
): string[] {
  return Object.entries(expected).flatMap(([name, value]) => {
    const map = schema.maps.find((candidate) => candidate.name === name);
    if (!map) return [`maps.${name}: the object has no such map`];
    if (isSingle(map, value)) {
      return differences(value, read(map, subject, new Uint8Array(map.keyBytes)), `maps.${name}`);
    }
    return Object.entries(value as Record<string, ConfigValue>).flatMap(([key, entry]) => {
      const path = `maps.${name}[${JSON.stringify(key)}]`;
      return differences(entry, read(map, subject, encodeKey(map, key, { path })), path);
    });
  });
}

/** An array of one entry is written as its value, as in a configuration. */
const isSingle = (map: MapSchema, value: ConfigValue): boolean =>
  value === null || typeof value !== 'object' || (map.type.endsWith('array') && map.entriesMax === 1);

function read(map: MapSchema, subject: Subject, key: Uint8Array): ConfigValue | undefined {
  const bytes = subject.map(map.name).lookup(key);
  if (bytes === undefined) return undefined;
  if (!map.type.includes('percpu')) return decodeMapValue(map, bytes);
  const stride = Math.ceil(map.valueBytes / 8) * 8;
  const cpus = Array.from({ length: bytes.length / stride }, (_, cpu) =>
    decodeMapValue(map, bytes.subarray(cpu * stride, (cpu + 1) * stride)),
  );
  return sumOf(cpus);
}
