const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const at = '2026-08-22T10:15:30.123Z';

/** A message of the event stream, as server-sent events carry it. */
export const message = (sequence: number, stream: string, ...events: { type: string; data: unknown }[]) => ({
  sequence,
  subject: `l3af.evt.${stream}`,
  envelope: {
    id: `0198c000-0000-7000-8000-00000000${sequence}`,
    streamId: stream,
    at,
    actor: 'alice',
    correlationId: 'correlation',
    causationId: 'causation',
    events: events.map((event) => ({ ...event, version: 1 })),
  },
});

const head = { node: 'demo-1', interface: 'l3af0', hook: 'xdp' };
const stream = 'report.demo-1.l3af0.xdp';

export const applied = (revision: number) =>
  message(500 + revision, stream, {
    type: 'ChainApplied',
    data: {
      ...head,
      revision,
      sequence: 400 + revision,
      generation: revision,
      mode: 'native',
      kfs: [],
      timings: { pullMs: 1, loadMs: 8, swapMs: 0.2, totalMs: 12.4 },
      warnings: [],
    },
  });

export const rejected = (revision: number) =>
  message(500 + revision, stream, {
    type: 'ChainRejected',
    data: {
      ...head,
      revision,
      sequence: 400 + revision,
      error: {
        code: 'verifier-refused',
        message: 'Cannot load KF "edge-firewall": the verifier refused program "firewall"',
        causes: ['Cannot load program "firewall": EACCES', 'Permission denied'],
        details: {
          lines: [
            '10: (61) r0 = *(u32 *)(r1 +0)',
            "R1 invalid mem access 'scalar'",
            'processed 11 insns (limit 1000000)',
          ],
        },
      },
      kf: 'edge-firewall',
      log: { bucket: 'l3af-logs', digest: digest('c'), sizeBytes: 81234 },
      liveRevision: revision - 1,
    },
  });

export const accepted = (revision: number, changed = true) => ({
  revision,
  sequence: 400 + revision,
  watch: `/v1/events?watch=${revision}`,
  changed,
});
