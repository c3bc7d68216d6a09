import { attachProblem, chainAttachSchema, chainDocumentSchema } from './index';

describe('how a chain is attached', () => {
  test.each([
    { position: 'first' },
    { position: { before: 42 } },
    { position: { after: 'cil_from_netdev' }, expectedRevision: 7 },
    { position: { before: '/sys/fs/bpf/other/link' } },
    { tc: 'cls_bpf' },
    { dispatcher: 'join', priority: 20 },
    {},
  ])('is read as it is written: %j', (attach) => {
    expect(chainAttachSchema.parse(attach)).toEqual(attach);
  });
  test.each([
    { position: 'middle' },
    { position: { before: 1, after: 2 } },
    { position: { before: 'no/path' } },
    { expectedRevision: 0 },
    { dispatcher: 'replace' },
    { order: 1 },
  ])('is refused where nobody could mean it: %j', (attach) => {
    expect(chainAttachSchema.safeParse(attach).success).toBe(false);
  });
  test.each([
    { hook: 'xdp', attach: { position: 'first' }, field: 'position' },
    { hook: 'xdp', attach: { tc: 'tcx' }, field: 'tc' },
    { hook: 'tc-ingress', attach: { dispatcher: 'join' }, field: 'dispatcher' },
    { hook: 'xdp', attach: { priority: 1 }, field: 'priority' },
    { hook: 'tc-egress', attach: { tc: 'cls_bpf', position: 'first' }, field: 'position' },
    { hook: 'tc-egress', attach: { tc: 'cls_bpf', expectedRevision: 1 }, field: 'expectedRevision' },
  ] as const)('names the field that means nothing on $hook: $field', ({ hook, attach, field }) => {
    expect(attachProblem(attach, hook)).toMatchObject({ field });
    const document = { apiVersion: 'l3af/v1', kind: 'Chain', node: 'n', interface: 'i', hook, kfs: [] };
    const parsed = chainDocumentSchema.safeParse({ ...document, attach });
    expect(parsed.error?.issues[0]?.path).toEqual(['attach', field]);
    expect(chainDocumentSchema.safeParse(document).success).toBe(true);
  });
});
