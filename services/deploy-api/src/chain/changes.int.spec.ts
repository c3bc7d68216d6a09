import { chainSubject, type Accepted, type ChainView } from '@l3af/contracts';
import type { Test } from 'supertest';
import { documentOf, keyOf, pathOf } from '../testing/chain-of';
import { useControlPlane } from '../testing/use-control-plane';

const plane = useControlPlane();
const { api } = plane;
const put = (name: string, kfs: object[]) => api().put(pathOf(name)).send(documentOf(name, kfs));
const namesOf = ({ body }: { body: unknown }): unknown =>
  (body as ChainView).desired?.kfs.map(({ name }) => name);
const lastOf = (name: string) => plane.bus.store.last(chainSubject(keyOf(name)));

test('every change of a chain, one after the other', async () => {
  const path = pathOf('eth0');
  await api()
    .post(`${path}/kfs`)
    .send({ kf: { package: 'firewall', name: 'a' } })
    .expect(202);
  await api()
    .post(`${path}/kfs`)
    .send({ kf: { package: 'firewall', name: 'b' }, at: 1 })
    .expect(202);
  expect(namesOf(await api().get(path))).toEqual(['b', 'a']);
  await api().post(`${path}/kfs/a/move`).send({ to: 1 }).expect(202);
  expect(namesOf(await api().get(path))).toEqual(['a', 'b']);
  await api()
    .patch(`${path}/kfs/b`)
    .send({ enabled: false, config: { limit: 9 } })
    .expect(202);
  const adjusted = await api().get(path);
  expect(adjusted.body).toMatchObject({
    desired: { revision: 4, kfs: [{}, { enabled: false, config: { limit: 9 } }] },
  });
  await api()
    .patch(`${path}/kfs/b`)
    .send({ config: { limit: null } })
    .expect(202);
  await api().delete(`${path}/kfs/a`).expect(202);
  expect(namesOf(await api().get(path))).toEqual(['b']);
  await api().post(`${path}/clear`).expect(202);
  expect(namesOf(await api().get(path))).toEqual([]);
  const gone = await api().delete(path).expect(202);
  expect(gone.body).toMatchObject({ revision: 8, changed: true });
  expect((await api().delete(path).expect(202)).body).toMatchObject({ revision: 8, changed: false });
  expect((await api().get(path).expect(200)).body).toMatchObject({ desired: null });
  const history = await api().get(`${path}/history`).expect(200);
  const kinds = (history.body as { change: { kind: string } }[]).map(({ change }) => change.kind);
  expect(kinds.sort()).toEqual(
    ['insert', 'insert', 'move', 'configure', 'configure', 'remove', 'clear', 'delete'].sort(),
  );
});

test('If-Match: a change is made only on the revision that its author has seen', async () => {
  await put('eth1', [{ package: 'firewall' }]).expect(202);
  await put('eth1', [])
    .set('if-match', '"7"')
    .expect(409, /"conflict"/);
  await put('eth1', []).set('if-match', 'seven').expect(400);
  await put('eth1', []).set('if-match', '"1"').expect(202);
  await api().delete(pathOf('eth3')).set('if-match', '*').expect(409);
});

test('two people at once: insertions are both made, documents are not merged', async () => {
  await put('eth2', [{ package: 'firewall', name: 'first' }]).expect(202);
  const insert = (name: string) =>
    api()
      .post(`${pathOf('eth2')}/kfs`)
      .send({ kf: { package: 'firewall', name } });
  const inserted = await Promise.all(['a', 'b', 'c', 'd'].map(insert));
  expect(inserted.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
  expect(new Set(inserted.map(({ body }) => (body as { revision: number }).revision)).size).toBe(4);
  expect(new Set(namesOf(await api().get(pathOf('eth2'))) as string[])).toEqual(
    new Set(['first', 'a', 'b', 'c', 'd']),
  );
  const apply = (name: string) => put('eth2', [{ package: 'firewall', name }]);
  const statuses = (await Promise.all(['x', 'y', 'z'].map(apply))).map(({ status }) => status);
  const won = statuses.filter((status) => status === 202).length;
  expect(won).toBeGreaterThanOrEqual(1);
  expect(statuses.filter((status) => status === 409)).toHaveLength(3 - won);
  const { desired } = (await api().get(pathOf('eth2'))).body as ChainView;
  // Every revision was made by one of the accepted changes; none was lost or made twice.
  expect(desired?.revision).toBe(5 + won);
});

test('a dry run decides and stores nothing', async () => {
  const { revision } = (await put('eth0', [{ package: 'firewall' }]).expect(202)).body as Accepted;
  const before = await lastOf('eth0');
  const change = async (request: Test) => (await request.query({ dryRun: 'true' })).body as Accepted;
  const more = [{ package: 'firewall' }, { package: 'team/limit@2.0.0' }];
  expect(await change(put('eth0', more))).toMatchObject({
    ...{ revision: revision + 1, changed: true, dryRun: true, sequence: before!.sequence },
    change: { kind: 'apply', summary: 'added limit (team/limit@2.0.0)' },
  });
  expect(await change(put('eth0', [{ package: 'firewall' }]))).toMatchObject({ revision, changed: false });
  expect(await change(api().post(`${pathOf('eth0')}/clear`))).toMatchObject({ change: { kind: 'clear' } });
  expect(await change(api().delete(pathOf('eth0')))).toMatchObject({ change: { kind: 'delete' } });
  await put('eth0', [{ package: 'nope' }])
    .query({ dryRun: '' })
    .expect(404, /"unknown-package"/);
  await put('eth0', more).query({ dryRun: '' }).set('if-match', '"7"').expect(409);
  expect(await lastOf('eth0')).toEqual(before);
});

test('the same chain again is a new revision only when asked so', async () => {
  const kfs = [{ package: 'firewall' }];
  const first = (await put('eth0', kfs).expect(202)).body as Accepted;
  expect(first.changed).toBe(false);
  const again = await put('eth0', kfs).query({ retry: 'true' }).expect(202);
  expect(again.body).toMatchObject({
    ...{ revision: first.revision + 1, changed: true, change: { summary: 'tried again as it was' } },
  });
});

test('a chain is rolled back to a revision, to the digest', async () => {
  const rollback = (revision: number) =>
    api()
      .post(`${pathOf('eth0')}/rollback`)
      .send({ revision });
  const { desired } = (await api().get(pathOf('eth0'))).body as ChainView;
  await put('eth0', [{ package: 'team/limit@2.0.0', config: { limit: 3 } }]).expect(202);
  const back = (await rollback(desired!.revision).expect(202)).body as Accepted;
  expect(back).toMatchObject({ revision: desired!.revision + 2, change: { kind: 'rollback' } });
  const now = (await api().get(pathOf('eth0'))).body as ChainView;
  expect(now.desired!.kfs).toEqual(desired!.kfs);
  await rollback(99).expect(404, /"unknown-revision"/);
  await rollback(0).expect(400);
  await api().delete(pathOf('eth0')).expect(202);
  await rollback(back.revision + 1).expect(404, /it deleted the chain/);
  await rollback(back.revision).expect(202);
  const revived = (await api().get(pathOf('eth0'))).body as ChainView;
  expect(revived.desired!.kfs).toEqual(desired!.kfs);
  await api()
    .post(`${pathOf('wlan0')}/rollback`)
    .send({ revision: 1 })
    .expect(404);
});
