import { groupsOf } from './groups';

test.each([
  [{}, ['default']],
  [{ role: 'demo' }, ['default']],
  [{ group: 'edge' }, ['default', 'edge']],
  [{ group: ' edge, canary edge default ' }, ['default', 'edge', 'canary']],
])('the groups of a node with the labels %j are %j', (labels: Record<string, string>, groups) => {
  expect(groupsOf(labels)).toEqual(groups);
});
