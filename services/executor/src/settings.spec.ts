import { readSettings } from './settings';

describe('readSettings()', () => {
  it('has a default for everything', () => {
    expect(readSettings({})).toMatchObject({ instance: 'default', labels: {}, probationMs: 10_000 });
  });

  it('names every variable that is wrong', () => {
    const wrong = { L3AF_NODE: 'a/b', L3AF_METRICS_PORT: '70000', L3AF_NODE_LABELS: 'region' };
    expect(() => readSettings(wrong)).toThrow(
      /L3AF_METRICS_PORT.*L3AF_NODE:|L3AF_NODE:.*L3AF_METRICS_PORT|L3AF_NODE_LABELS/s,
    );
    expect(() => readSettings({ L3AF_NODE_LABELS: 'region' })).toThrow(/label "region" must be key=value/);
  });

  it('reads labels as pairs', () => {
    expect(readSettings({ L3AF_NODE_LABELS: 'region=eu,role=edge' }).labels).toEqual({
      region: 'eu',
      role: 'edge',
    });
  });
});
