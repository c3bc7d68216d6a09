import type { ObjectSchema } from '@l3af/contracts';
import { parseManifest } from './read-manifest';
import { uselessProse } from './check-manifest';

const manifest = parseManifest(`apiVersion: l3af/v1
kind: KernelFunction
name: gate
version: 1.0.0
config:
  limit: {description: Packets per second}
  limti: {description: Misspelt}
metrics:
  drops: {unit: packets}
  limit: {unit: packets}
`);
const schema: ObjectSchema = {
  programs: [],
  maps: [{ name: 'drops', type: 'array', keyBytes: 4, valueBytes: 8, entriesMax: 1, flags: 0 }],
  constants: [
    { name: 'limit', section: '.rodata', offset: 0, type: { kind: 'int', bytes: 4, signed: false } },
  ],
};

it('tells of prose for what the object does not have', () => {
  expect(uselessProse(manifest, schema)).toEqual([
    {
      path: ['config', 'limti'],
      message: 'the object has no map or constant limti, it has drops, limit',
    },
    { path: ['metrics', 'limit'], message: 'the object has no map limit, it has drops' },
  ]);
});
